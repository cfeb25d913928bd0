/** Redis as several servers that stand in for each other, broken one server at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startRedisCluster, startRedisSentinels, type TestNode } from '../support/redis-cluster.js';

export const TOPOLOGIES = ['single', 'sentinel', 'cluster'] as const;
export type Topology = (typeof TOPOLOGIES)[number];

export interface RedisGroup {
  /** What daemons and commands are told of it. */
  readonly settings: Readonly<Record<string, string>>;
  /** The master that the next blow goes for: of a cluster, another one each time. */
  master(): Promise<TestNode>;
  /** Resolves when another server is master in its place. */
  untilReplaced(dead: TestNode): Promise<void>;
  /** Resolves when every master has its replica again. */
  untilWhole(): Promise<void>;
  /** Moves a partition to another master, under load; null where there is but one. */
  readonly movePartition: ((partition: number) => Promise<void>) | null;
  remove(): Promise<void>;
}

/**
 * A master that was taken for dead and comes back takes no charge before it has a replica: it would be
 * made one itself, and forget.
 */
const SETTINGS = ['min-replicas-to-write 1', 'min-replicas-max-lag 2'];
const POLL_MS = 100;
const ELECTION_MS = 60_000;
/** Slots of the hash tags {p0} to {p7}. */
const PARTITION_SLOTS = [15_882, 11_819, 7_752, 3_689, 16_014, 11_951, 7_884, 3_821];

/** A slot of each master that no partition lies in, so that it never moves. */
const SLOTS_OF_ALL = [0, 8_000, 16_000];

export async function startRedisGroup(topology: Exclude<Topology, 'single'>): Promise<RedisGroup> {
  return topology === 'cluster' ? startCluster() : startSentinels();
}

async function startSentinels(): Promise<RedisGroup> {
  const group = await startRedisSentinels(SETTINGS);
  return {
    settings: {
      TOLLD_REDIS_URL: 'redis://sentinels',
      TOLLD_REDIS_TOPOLOGY: 'sentinel',
      TOLLD_REDIS_NODES: group.sentinels.join(','),
    },
    master: () => group.master(),
    untilReplaced: (dead) => until(async () => (await group.master()).port !== dead.port),
    untilWhole: () => group.untilWhole(),
    movePartition: null,
    remove: () => group.remove(),
  };
}

async function startCluster(): Promise<RedisGroup> {
  const cluster = await startRedisCluster(SETTINGS);
  let turn = 0;
  const masterOf = async (slot: number): Promise<TestNode> => {
    const port = await cluster.masterOf(slot);
    const node = cluster.nodes.find((each) => each.port === port);
    if (node === undefined) throw new Error(`no node has port ${port}`);
    return node;
  };
  const slotOf = (partition: number): number =>
    PARTITION_SLOTS[partition % PARTITION_SLOTS.length] ?? 0;
  return {
    settings: {
      TOLLD_REDIS_URL: cluster.nodes[0]?.url ?? '',
      TOLLD_REDIS_TOPOLOGY: 'cluster',
      TOLLD_REDIS_NODES: cluster.nodes.map(({ address }) => address).join(','),
    },
    master: () => masterOf(slotOf((turn += 1))),
    untilReplaced: (dead) =>
      until(async () => {
        const masters = await Promise.all(PARTITION_SLOTS.map((slot) => masterOf(slot)));
        return masters.every(({ port }) => port !== dead.port);
      }),
    untilWhole: () => cluster.untilWhole(),
    movePartition: async (partition) => {
      const slot = slotOf(partition);
      const from = await masterOf(slot);
      const masters = await Promise.all(SLOTS_OF_ALL.map(masterOf));
      const others = masters.filter(({ port }) => port !== from.port);
      const to = others[partition % others.length];
      if (to !== undefined) await cluster.moveSlot(slot, to.port);
    },
    remove: () => cluster.remove(),
  };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + ELECTION_MS;
  // While nobody is elected, nobody is master of a slot.
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error('no other Redis took the place of the dead one');
    await sleep(POLL_MS);
  }
}
