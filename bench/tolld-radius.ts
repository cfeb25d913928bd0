/** tolld with RADIUS as it runs in earnest: one process, Redis with an fsync before each answer. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { loadFile } from '../src/cli/load.js';
import { loadConfig } from '../src/config.js';
import type { PostgresServer } from '../src/local/postgres-server.js';
import { startServerProcess } from '../src/local/server-process.js';
import { migrate } from '../src/records/migrate.js';
import { buildProgram, flagsOf } from '../test/support/built-program.js';
import { NAS_NAME, PASSWORD, userName } from './radius-requests.js';
import type { RedisProcess } from './redis-process.js';

const DATABASE = 'tolld';
const READY_MS = 60_000;

export interface TolldRadius {
  readonly authenticationPort: number;
  readonly accountingPort: number;
  readonly pid: number;
  readonly pool: pg.Pool;
  stop(): Promise<void>;
}

export interface TolldRadiusOptions {
  readonly users: number;
  readonly secret: string;
  /** For Node itself: a profiler's flags. */
  readonly nodeArguments?: readonly string[];
}

export async function startTolldRadius(
  { postgres, redis }: { readonly postgres: PostgresServer; readonly redis: RedisProcess },
  options: TolldRadiusOptions,
): Promise<TolldRadius> {
  const { users, secret, nodeArguments = [] } = options;
  const maintenance = new pg.Client({ connectionString: postgres.databaseUrl('postgres') });
  await maintenance.connect();
  await maintenance.query(`CREATE DATABASE ${DATABASE}`);
  await maintenance.end();
  const url = postgres.databaseUrl(DATABASE);
  await migrate({ url });
  const directory = await mkdtemp(path.join(tmpdir(), 'tolld-bench-'));
  const program = await buildProgram(path.join(directory, 'program'));
  const config = path.join(directory, 'tolld.json');
  await writeFile(config, JSON.stringify(settings(redis.url, url)));
  const file = path.join(directory, 'operator.json');
  await writeFile(file, JSON.stringify(operator(users, secret)));
  await loadFile(loadConfig({ environment: {}, file: config }).config, file, { dryRun: false });
  let ready = '';
  const server = await startServerProcess({
    name: 'tolld',
    command: process.execPath,
    args: [...flagsOf(program), ...nodeArguments, program, '--config', config, 'serve'],
    directory: process.cwd(),
    user: null,
    readyText: '"msg":"ready"',
    readyTimeoutMs: READY_MS,
    stopSignal: 'SIGTERM',
    disposable: directory,
    onLine: (line) => {
      if (line.includes('"msg":"ready"')) ready = line;
      else if (line.includes('"level":50') || line.includes('"err"'))
        process.stderr.write(`${line}\n`);
    },
  });
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  // A server that stops ends idle connections: no fault of the pool's user.
  pool.on('error', () => undefined);
  const { radius } = JSON.parse(ready) as {
    readonly radius: Readonly<
      Record<'authentication' | 'accounting', readonly { readonly port: number }[]>
    >;
  };
  return {
    authenticationPort: radius.authentication[0]?.port ?? 0,
    accountingPort: radius.accounting[0]?.port ?? 0,
    pid: server.pid,
    pool,
    stop: async () => {
      await server.stop();
      await pool.end();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function settings(redisUrl: string, postgresUrl: string): object {
  return {
    node: { name: 'bench' },
    log: { level: 'info' },
    redis: { url: redisUrl },
    postgres: { url: postgresUrl },
    secrets: { keys: ['a key for the measurement'] },
    diameter: { listenHost: '127.0.0.1', listenPort: 0 },
    operations: { listenHost: '127.0.0.1', listenPort: 0 },
    radius: {
      enabled: true,
      listenHost: '127.0.0.1',
      authenticationPort: 0,
      accountingPort: 0,
    },
  };
}

/** Users with a bundle that lasts the measurement, at a price, on a plan with a speed. */
function operator(users: number, secret: string): object {
  const names = Array.from({ length: users }, (_, user) => userName(user));
  return {
    version: 1,
    nas: [{ name: NAS_NAME, addresses: ['127.0.0.1'], secret, vendor: 'mikrotik' }],
    tenants: [
      {
        code: 'bench',
        resources: [{ code: 'EUR' }],
        tariffs: [
          {
            code: 'data',
            currency: 'EUR',
            flatRates: [{ id: 'data', unit: 'octets', price: { amount: '0.50', per: '1 GB' } }],
          },
        ],
        accessPlans: [{ code: 'home', speed: { up: '10M', down: '50M' } }],
        accounts: names.map((id) => ({
          id,
          tariff: 'data',
          buckets: [
            { id: 'bundle', resource: 'octets', amount: '1000 TB' },
            { id: 'main', resource: 'EUR', amount: '10.00' },
          ],
        })),
        subscribers: names.map((id) => ({
          id,
          account: id,
          identities: [{ kind: 'user-name', value: id }],
          access: { plan: 'home', password: PASSWORD },
        })),
      },
    ],
  };
}
