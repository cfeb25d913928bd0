import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'vitest';
import { createKeys } from '../../../src/charging/keys.js';
import { testDatabase } from '../../support/postgres.js';
import { randomSource } from '../../support/random-source.js';
import { testRedis } from '../../support/redis.js';
import type { FlusherProcessOptions } from './flusher-process.js';
import { expectRecordOf } from './record-check.js';
import { startFlusher } from './running-flusher.js';
import { Workload } from './workload.js';

const PARTITIONS = 4;
const KILLS = 5;
const redis = testRedis();
const database = testDatabase();

describe('a flusher killed with -9', () => {
  test('at random moments of its work loses nothing and doubles nothing', async () => {
    const source = randomSource();
    const workload = new Workload({ accounts: 20, partitions: PARTITIONS, source });
    const keys = createKeys(redis.prefix);
    const options: FlusherProcessOptions = {
      redisUrl: redis.url,
      databaseUrl: database.url,
      prefix: redis.prefix,
      partitions: PARTITIONS,
      leaseMs: 150,
    };
    const program = path.join(import.meta.dirname, 'flusher-process.ts');
    for (let kill = 0; kill < KILLS; kill += 1) {
      await workload.write(1_500, { redis: redis.client, keys });
      const args = ['--import', 'tsx', program, JSON.stringify(options)];
      const victim = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(victim.stdout, 'data');
      await sleep(source.integer(400));
      victim.kill('SIGKILL');
      await once(victim, 'exit');
    }
    const last = startFlusher({
      redis: redis.client,
      prefix: redis.prefix,
      pool: database.pool,
      partitions: PARTITIONS,
      leaseMs: 150,
    });
    await last.recorded();
    await expectRecordOf(workload, database.pool);
    await last.stop();
  }, 60_000);
});
