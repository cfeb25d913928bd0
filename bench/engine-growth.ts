/** What a report-and-reserve costs as accounts, their buckets and a request's services grow. */
import { checkBooks } from './charge-books.js';
import { createChargeFeed, createUpdateFeed } from './charge-feed.js';
import { sessionIdOf, UNITS_PER_REQUEST, type WorkloadShape } from './charge-workload.js';
import { measureAgainstBare, measureRow, rowOf, seed, type Bench } from './engine-rounds.js';
import { drive } from './pipeline-driver.js';

async function measureShape(
  bench: Bench,
  options: {
    readonly section: string;
    readonly name: string;
    readonly shape: Partial<WorkloadShape>;
    readonly stride?: number;
  },
): Promise<void> {
  const { stride = 1 } = options;
  await measureRow(bench, {
    ...options,
    feed: ({ accounts, services }) =>
      createUpdateFeed(bench.functionOf, { accounts, services, stride }),
  });
}

export async function measureBuckets(bench: Bench): Promise<void> {
  for (const buckets of [2, 4, 10, 50]) {
    const name = `${buckets} buckets, the first pays`;
    await measureShape(bench, { section: 'buckets', name, shape: { buckets } });
  }
  for (const buckets of [4, 10, 50]) {
    await measureShape(bench, {
      section: 'buckets',
      name: `${buckets} buckets, all but two used up`,
      shape: { buckets, usedUp: buckets - 2 },
    });
  }
}

export async function measureServices(bench: Bench): Promise<void> {
  for (const services of [1, 2, 4, 8]) {
    const name = `${services} services in a request`;
    await measureShape(bench, { section: 'services', name, shape: { services } });
  }
}

/** Neighbouring requests are far apart in the order of seeding, so that no cache helps. */
const STRIDE = 7_919;

export async function measureAccounts(bench: Bench): Promise<void> {
  for (const accounts of [10_000, 100_000, 1_000_000]) {
    if (accounts > bench.settings.accountsMax) continue;
    const name = `${accounts} accounts`;
    await measureShape(bench, { section: 'accounts', name, shape: { accounts }, stride: STRIDE });
  }
}

const HOT_SESSIONS = 100;

/** Many sessions on one account, each holding units of its first bucket. */
export async function measureHotAccount(bench: Bench): Promise<void> {
  const { pipeline, rounds } = bench.settings;
  const seeded = await seed(bench, { accounts: 1 });
  const sessionOf = (turn: number): string => sessionIdOf(turn % HOT_SESSIONS, 'hot');
  const base = { account: 0, services: 1, want: UNITS_PER_REQUEST } as const;
  const open = createChargeFeed(bench.functionOf, {
    name: 'open',
    accounts: 1,
    request: (_, turn) => ({
      ...base,
      sessionId: sessionOf(turn),
      number: 0,
      phase: 'initial',
      used: 0,
    }),
  });
  const commands = await open.commands(HOT_SESSIONS);
  await drive({ port: bench.server.port, commands, expect: open.expect, pipeline });
  const feed = createChargeFeed(bench.functionOf, {
    name: 'hot',
    accounts: 1,
    request: (_, turn) => ({
      ...base,
      sessionId: sessionOf(turn),
      number: 1 + Math.floor(turn / HOT_SESSIONS),
      phase: 'update',
      used: UNITS_PER_REQUEST,
    }),
  });
  const comparison = await measureAgainstBare(bench, { feed, seeded, rounds: Math.min(rounds, 3) });
  bench.findings.add(rowOf('hot', `one account, ${HOT_SESSIONS} sessions`, comparison));
  bench.findings.judge(await checkBooks(bench.engine, seeded, feed.reported()));
}
