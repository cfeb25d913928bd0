import { expect, it } from 'vitest';
import { runTolld, startDaemon, TEST_REALM } from '../../support/daemon.js';
import { loadDemoOperator } from '../../support/demo-installation.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';

const redis = testRedis();
const database = testDatabase();
const servers = () => ({
  redisUrl: redis.url,
  keyPrefix: redis.prefix,
  postgresUrl: database.url,
});

it('tolld simulate gy holds what was charged against what it used', async () => {
  await loadDemoOperator(servers());
  const daemon = await startDaemon(servers());
  const { exitCode, stdout, stderr } = await runTolld(
    [
      ...['simulate', 'gy', '--node', `127.0.0.1:${daemon.diameterPort}`],
      ...['--destination-realm', TEST_REALM, '--subscriber', '262420000000003:491700000003'],
      ...['--traffic', 'data', 'voice', '--sessions', '12', '--concurrent', '4'],
      ...['--top-up', '2.50', '--top-up-every', '4'],
      ...['--repeat-share', '0.3', '--quiet', '--compare', '--expect', 'finished'],
    ],
    { environment: { TOLLD_POSTGRES_URL: database.url } },
  );
  expect(stderr).toBe('');
  expect(stdout).toContain('3 top-ups booked');
  await expect
    .poll(async () => {
      const { rows } = await database.pool.query<{ sum: string }>(
        "SELECT sum(amount) FROM tolld.ledger_entries WHERE kind = 'top-up'",
      );
      return rows[0]?.sum;
    })
    .toBe('7500000');
  expect(stdout).toContain('charged as it was used');
  expect(exitCode).toBe(0);
  await daemon.stop();
});
