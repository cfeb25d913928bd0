import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startPostgresServer, type PostgresServer } from '../src/local/postgres-server.js';

export type PostgresProcess = Pick<PostgresServer, 'pid' | 'databaseUrl' | 'stop'>;

/**
 * Starts a Postgres of its own on a free loopback port, with its files in a fresh folder under the
 * system's temporary directory, which goes with it.
 * @param options.durable whether a commit waits for its sync.
 * @param options.settings further ones, as `postgres -c` takes them.
 */
export async function startPostgresProcess(options: {
  readonly durable: boolean;
  readonly connectionsMax?: number;
  readonly settings?: readonly string[];
}): Promise<PostgresProcess> {
  const directory = await mkdtemp(path.join(tmpdir(), 'tolld-bench-'));
  const server = await startPostgresServer({
    directory,
    disposable: directory,
    password: randomBytes(12).toString('hex'),
    durable: options.durable,
    maxConnections: options.connectionsMax ?? 20,
    moreSettings: options.settings ?? [],
  });
  return {
    pid: server.pid,
    databaseUrl: server.databaseUrl,
    stop: async () => {
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
