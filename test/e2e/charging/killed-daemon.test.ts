import { beforeAll, describe, expect, it } from 'vitest';
import { TRAFFIC } from '../../../src/cli/simulated-traffic.js';
import { startDaemon, type Daemon, untilSiblings } from '../../support/daemon.js';
import { demoGateway, loadDemoOperator, proveAccounts } from '../../support/demo-installation.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';

const redis = testRedis();
const database = testDatabase();
const servers = () => ({
  redisUrl: redis.url,
  keyPrefix: redis.prefix,
  postgresUrl: database.url,
  // A dead flusher's partitions are taken over soon.
  settings: { flusher: { leaseMs: 1_000 } },
});

const SEED = Date.now() % 1_000_000;

let survivor: Daemon;
let victim: Daemon;
beforeAll(async () => {
  await loadDemoOperator(servers());
  [survivor, victim] = await Promise.all([startDaemon(servers()), startDaemon(servers())]);
  await untilSiblings([survivor, victim]);
});

describe('a daemon that is killed in mid-traffic', () => {
  it(`leaves its sessions to the other, and the books balance (seed ${SEED})`, async () => {
    const nodes = [survivor, victim].map(({ diameterPort: port }) => ({ host: '127.0.0.1', port }));
    let answers = 0;
    const kills: Promise<void>[] = [];
    const gateway = demoGateway(
      {
        nodes,
        seed: SEED,
        traffic: [TRAFFIC.data, TRAFFIC.voice],
        sessions: 60,
        concurrent: 10,
        thinkMs: { min: 1, max: 20 },
        routing: 'alternate',
        answerMs: 1_000,
      },
      (event) => {
        if (event.type === 'answer') answers += 1;
        // Some sessions are under way on either connection by now.
        if (answers === 50 && kills.length === 0) kills.push(victim.kill());
      },
    );
    const { statistics, tally } = await gateway.run();
    expect(kills).toHaveLength(1);
    await Promise.all(kills);
    expect(statistics.sessionsStarted).toBe(60);
    expect(statistics.unanswered).toBe(0);
    expect(tally.every(({ certain }) => certain)).toBe(true);
    await proveAccounts(servers(), tally);

    // Back again, it serves as before.
    const back = await startDaemon(servers());
    const again = demoGateway({
      nodes: [{ host: '127.0.0.1', port: back.diameterPort }],
      seed: SEED + 1,
      traffic: [TRAFFIC.data],
      sessions: 5,
    });
    const second = await again.run();
    expect(second.statistics.unanswered).toBe(0);
    await proveAccounts(servers(), [...tally, ...second.tally]);
  });
});
