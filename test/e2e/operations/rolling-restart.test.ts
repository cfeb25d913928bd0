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
  settings: { flusher: { leaseMs: 1_000 } },
});

const SEED = Date.now() % 1_000_000;
const SUCCESS = 2001;

async function restart(daemon: Daemon): Promise<Daemon> {
  await daemon.stop();
  return startDaemon({
    ...servers(),
    name: daemon.name,
    settings: { ...servers().settings, diameter: { listenPort: daemon.diameterPort } },
  });
}

describe('daemons restarted one after the other under load', () => {
  let daemons: Daemon[];
  beforeAll(async () => {
    await loadDemoOperator(servers());
    daemons = await Promise.all([startDaemon(servers()), startDaemon(servers())]);
    await untilSiblings(daemons);
  });

  it(`fail no request and lose none (seed ${SEED})`, async () => {
    let answers = 0;
    let connections = 0;
    const gateway = demoGateway(
      {
        nodes: daemons.map(({ diameterPort: port }) => ({ host: '127.0.0.1', port })),
        seed: SEED,
        traffic: [TRAFFIC.data],
        sessions: null,
        concurrent: 8,
        thinkMs: { min: 5, max: 40 },
        routing: 'alternate',
        answerMs: 10_000,
      },
      (event) => {
        if (event.type === 'answer') answers += 1;
        if (event.type === 'connected') connections += 1;
        if (event.type === 'disconnected') connections -= 1;
      },
    );
    const running = gateway.run();
    await expect.poll(() => answers, { timeout: 20_000 }).toBeGreaterThan(100);
    for (const [index, daemon] of daemons.entries()) {
      const before = answers;
      daemons[index] = await restart(daemon);
      expect(answers, 'the other went on serving').toBeGreaterThan(before);
      // Only when its gateways are back may the next one go.
      await expect.poll(() => connections, { timeout: 20_000 }).toBe(daemons.length);
    }
    gateway.stop();
    const { statistics, tally } = await running;
    expect(statistics.unanswered).toBe(0);
    expect(statistics.malformed).toBe(0);
    expect(statistics.repeatMismatches).toBe(0);
    expect(Object.keys(statistics.results)).toEqual([String(SUCCESS)]);
    expect(tally.every(({ certain }) => certain)).toBe(true);
    await proveAccounts(servers(), tally);
  });
});
