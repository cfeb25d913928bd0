/** A flusher in a process of its own, to be killed: `flusher-process.ts <options as JSON>`. */
import { Redis } from 'ioredis';
import { createLogger } from '../../../src/observability/logger.js';
import { createDatabase } from '../../../src/records/database.js';
import { makeFlusher } from './flusher-fixture.js';

export interface FlusherProcessOptions {
  readonly redisUrl: string;
  readonly databaseUrl: string;
  readonly prefix: string;
  readonly partitions: number;
  readonly leaseMs: number;
}

const options = JSON.parse(process.argv[2] ?? '{}') as FlusherProcessOptions;
const pool = createDatabase(
  { url: options.databaseUrl, name: 'flusher to be killed', connectionsMax: 3, role: 'flusher' },
  { logger: createLogger({ level: 'silent' }) },
);
makeFlusher({ ...options, redis: new Redis(options.redisUrl), pool, batchEntriesMax: 40 }).start();
process.stdout.write('started\n');
