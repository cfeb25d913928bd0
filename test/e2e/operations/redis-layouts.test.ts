import { afterAll, describe, expect, it } from 'vitest';
import { TRAFFIC } from '../../../src/cli/simulated-traffic.js';
import { DEMO_SUBSCRIBERS } from '../../../src/local/demo.js';
import type { GySimulator, SimulatorEvent } from '../../../src/local/gy-simulator/simulator.js';
import { startDaemon, type Daemon } from '../../support/daemon.js';
import {
  demoGateway,
  loadDemoOperator,
  proveAccounts,
  type Servers,
} from '../../support/demo-installation.js';
import { testDatabase } from '../../support/postgres.js';
import { startRedisCluster, startRedisSentinels } from '../../support/redis-cluster.js';

/** Nine servers and four daemons start here: a busy machine takes its time over that. */
const PATIENCE_MS = 300_000;
const SEED = Date.now() % 1_000_000;
/** An election takes the silence after which a master counts as gone, and a second or two. */
const THROUGH_FAILOVER = {
  engine: { requestTimeoutMs: 15_000, durability: 'replicated' },
  flusher: { leaseMs: 1_000 },
};

/** Where the hash tags {p0}, {p1} and {p2} lie. */
const PARTITION_SLOTS = [15_882, 11_819, 7_752];

const cleanUp: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

interface Load {
  readonly gateway: GySimulator;
  /** Resolves after so many more answers. */
  answered(count: number): Promise<void>;
  end(): Promise<void>;
}

/** Sessions over these daemons, until ended; then proves that none failed and the books balance. */
function startLoad(servers: Servers, daemons: readonly Daemon[]): Load {
  let answers = 0;
  const waiting = new Set<{ readonly at: number; readonly resolve: () => void }>();
  const gateway = demoGateway(
    {
      nodes: daemons.map(({ diameterPort: port }) => ({ host: '127.0.0.1', port })),
      seed: SEED,
      subscribers: Object.values(DEMO_SUBSCRIBERS).slice(0, 1),
      traffic: [TRAFFIC.data],
      sessions: null,
      concurrent: 8,
      thinkMs: { min: 1, max: 20 },
      routing: 'alternate',
      answerMs: 20_000,
    },
    (event: SimulatorEvent) => {
      if (event.type === 'answer') answers += 1;
      for (const each of waiting) {
        if (answers < each.at) continue;
        waiting.delete(each);
        each.resolve();
      }
    },
  );
  const running = gateway.run();
  return {
    gateway,
    answered: (count) => new Promise((resolve) => waiting.add({ at: answers + count, resolve })),
    end: async () => {
      gateway.stop();
      const { statistics, tally } = await running;
      expect(statistics.unanswered).toBe(0);
      expect(statistics.repeatMismatches).toBe(0);
      expect(Object.keys(statistics.results)).toEqual(['2001']);
      await proveAccounts(servers, tally);
    },
  };
}

describe(`a Redis Cluster of three masters and three replicas (seed ${SEED})`, () => {
  const database = testDatabase();

  it(
    'is charged on through the death of a master, and while slots move',
    async () => {
      const cluster = await startRedisCluster();
      cleanUp.push(() => cluster.remove());
      const [first, second] = cluster.nodes;
      if (first === undefined || second === undefined) throw new Error('the cluster has no nodes');
      const servers: Servers = {
        redisUrl: second.url,
        keyPrefix: 'tolld',
        postgresUrl: database.url,
        layout: { topology: 'cluster', nodes: cluster.nodes.map(({ address }) => address) },
      };
      await loadDemoOperator(servers);
      const options = { ...servers, settings: THROUGH_FAILOVER };
      const daemons = await Promise.all([startDaemon(options), startDaemon(options)]);
      const load = startLoad(servers, daemons);
      await load.answered(100);

      for (const slot of PARTITION_SLOTS) {
        const from = await cluster.masterOf(slot);
        const to = cluster.nodes.slice(0, 3).find(({ port }) => port !== from);
        await cluster.moveSlot(slot, to?.port ?? 0);
        expect(await cluster.masterOf(slot)).not.toBe(from);
        await load.answered(30);
      }

      const before = await cluster.masterOf(0);
      await first.kill();
      await load.answered(200);
      expect(await cluster.masterOf(0)).not.toBe(before);
      await first.start();
      await load.answered(50);
      await load.end();
    },
    PATIENCE_MS,
  );
});

describe(`a Redis under sentinels (seed ${SEED})`, () => {
  const database = testDatabase();

  it(
    'is charged on through the death of the master',
    async () => {
      const redis = await startRedisSentinels();
      cleanUp.push(() => redis.remove());
      const [master] = redis.servers;
      if (master === undefined) throw new Error('there is no master');
      const servers: Servers = {
        redisUrl: 'redis://sentinels',
        keyPrefix: 'tolld',
        postgresUrl: database.url,
        layout: { topology: 'sentinel', nodes: redis.sentinels },
      };
      await loadDemoOperator(servers);
      const options = { ...servers, settings: THROUGH_FAILOVER };
      const daemons = await Promise.all([startDaemon(options), startDaemon(options)]);
      const load = startLoad(servers, daemons);
      await load.answered(100);
      await master.kill();
      await load.answered(200);
      await load.end();
    },
    PATIENCE_MS,
  );
});
