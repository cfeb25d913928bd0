import { beforeAll, describe, expect, it } from 'vitest';
import { TRAFFIC } from '../../../src/cli/simulated-traffic.js';
import { runTolld, startDaemon, type Daemon, untilSiblings } from '../../support/daemon.js';
import { demoGateway, loadDemoOperator, proveAccounts } from '../../support/demo-installation.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';

const redis = testRedis();
const database = testDatabase();
const servers = () => ({
  redisUrl: redis.url,
  keyPrefix: redis.prefix,
  postgresUrl: database.url,
});

/** Random choices follow from it; printed with each run's name. */
const SEED = Date.now() % 1_000_000;

let daemons: readonly Daemon[];
beforeAll(async () => {
  await loadDemoOperator(servers());
  daemons = await Promise.all([startDaemon(servers()), startDaemon(servers())]);
  await untilSiblings(daemons);
});

const nodes = () => daemons.map(({ diameterPort: port }) => ({ host: '127.0.0.1', port }));

describe('sessions whose requests alternate between two daemons', () => {
  it(`are charged to the unit, repeats included (seed ${SEED})`, async () => {
    const gateway = demoGateway({
      nodes: nodes(),
      seed: SEED,
      traffic: [TRAFFIC.data, TRAFFIC.voice, TRAFFIC.sms],
      sessions: 40,
      routing: 'alternate',
      retransmitShare: 0.3,
    });
    const { statistics, tally } = await gateway.run();
    expect(statistics.unanswered).toBe(0);
    expect(statistics.malformed).toBe(0);
    expect(statistics.retransmitted).toBeGreaterThan(0);
    expect(statistics.repeatMismatches).toBe(0);
    const proof = await proveAccounts(servers(), tally);
    expect(proof.at(-1)).toContain('The books balance');
  });

  it('show in the account and its events on the command line', async () => {
    const { url: postgresUrl } = database;
    const environment = {
      TOLLD_REDIS_URL: redis.url,
      TOLLD_REDIS_KEY_PREFIX: redis.prefix,
      TOLLD_POSTGRES_URL: postgresUrl,
    };
    const account = await runTolld(['account', 'show', 'alice'], { environment });
    expect(account.stderr).toBe('');
    expect(account.stdout).toContain('welcome');
    const events = await runTolld(['events', '--account', 'alice', '--json'], { environment });
    expect(events.exitCode).toBe(0);
    expect(events.stdout).toContain('"welcome"');
  });
});
