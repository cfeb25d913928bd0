/** What a request of each kind costs. */
import {
  createChargeFeed,
  createCreditFeed,
  createRepeatFeed,
  createUpdateFeed,
  type Feed,
} from './charge-feed.js';
import {
  sessionIdOf,
  UNITS_PER_REQUEST,
  type RequestOptions,
  type WorkloadShape,
} from './charge-workload.js';
import { measureRow, type Bench } from './engine-rounds.js';
import { drive } from './pipeline-driver.js';

interface Kind {
  readonly name: string;
  readonly shape?: Partial<WorkloadShape>;
  readonly script?: 'settle' | 'enquire';
  /** How a request differs from the report-and-reserve of an open session. */
  readonly change?: (account: number, turn: number) => Partial<RequestOptions>;
}

/** A session of its own for each request of an account. */
function freshSession(kind: string): (account: number, turn: number) => { sessionId: string } {
  return (account, turn) => ({ sessionId: sessionIdOf(account, `${kind}${turn}`) });
}

const KINDS: readonly Kind[] = [
  { name: 'update' },
  {
    name: 'update, uses twice what it holds',
    change: () => ({ used: 2 * UNITS_PER_REQUEST }),
  },
  { name: 'update, paid by money', shape: { buckets: 1 } },
  { name: 'update, two buckets used up', shape: { usedUp: 2 } },
  { name: 'update, units used up, money pays', shape: { usedUp: 3 } },
  { name: 'update, the sharing owner pays', shape: { shared: true } },
  { name: 'report only', change: () => ({ want: null }) },
  { name: 'settle (memory is out)', script: 'settle' },
  {
    name: 'initial',
    change: (account, turn) => ({
      ...freshSession('initial')(account, turn),
      number: 0,
      phase: 'initial',
      used: 0,
    }),
  },
  {
    name: 'update of an unknown session',
    change: (account, turn) => ({ ...freshSession('unknown')(account, turn), number: 1 }),
  },
  {
    name: 'event',
    change: (account, turn) => ({
      ...freshSession('event')(account, turn),
      number: 0,
      phase: 'event',
      want: null,
    }),
  },
  { name: 'price enquiry', script: 'enquire', change: () => ({ phase: 'event', want: null }) },
];

export async function measureKinds(bench: Bench): Promise<void> {
  for (const { name, shape = {}, script = 'charge', change = () => ({}) } of KINDS) {
    await measureRow(bench, {
      section: 'kinds',
      name,
      shape,
      feed: ({ accounts, services, shared }) =>
        createChargeFeed(bench.functionOf, {
          name,
          accounts,
          script,
          request: (account, turn) => ({
            account,
            sessionId: sessionIdOf(account),
            number: turn + 1,
            phase: 'update',
            services,
            used: UNITS_PER_REQUEST,
            want: UNITS_PER_REQUEST,
            shared,
            ...change(account, turn),
          }),
        }),
    });
  }
  await measureTerminate(bench);
  await measureRepeated(bench);
  await measureRow(bench, {
    section: 'kinds',
    name: 'top-up',
    feed: ({ accounts }) => createCreditFeed(bench.functionOf, accounts),
  });
}

/** A session ends once: one round over as many accounts as it has requests. */
async function measureTerminate(bench: Bench): Promise<void> {
  await measureRow(bench, {
    section: 'kinds',
    name: 'terminate',
    shape: { accounts: bench.settings.requests },
    rounds: 1,
    feed: ({ accounts }) =>
      createChargeFeed(bench.functionOf, {
        name: 'terminate',
        accounts,
        request: (account) => ({
          account,
          sessionId: sessionIdOf(account),
          number: 1,
          phase: 'terminate',
          services: 1,
          used: UNITS_PER_REQUEST,
          want: null,
        }),
      }),
  });
}

/** The same requests a second time: each gets the answer it got. */
async function measureRepeated(bench: Bench): Promise<void> {
  const { requests, pipeline } = bench.settings;
  let first: Feed | null = null;
  await measureRow(bench, {
    section: 'kinds',
    name: 'repeated',
    shape: { accounts: requests },
    feed: async ({ accounts, services }) => {
      first = createUpdateFeed(bench.functionOf, { accounts, services });
      const commands = await first.commands(requests);
      await drive({ port: bench.server.port, commands, expect: first.expect, pipeline });
      return createRepeatFeed(commands);
    },
    reportedBefore: () => first?.reported() ?? 0,
  });
}
