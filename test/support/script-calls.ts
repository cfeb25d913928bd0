/** A call of each script that has something to do, for what is to hold of all of them. */
import { admit } from '../../src/charging/admission.js';
import { leaseAddress, releaseAddress } from '../../src/charging/address-pools.js';
import { charge, enquire, settle } from '../../src/charging/charge.js';
import { callScript, type Engine } from '../../src/charging/engine.js';
import {
  dropSessions,
  landAccount,
  laySession,
  liftSession,
  sealAccount,
  type SealedAccount,
} from '../../src/charging/move-steps.js';
import { creditAccount, provisionAccount } from '../../src/charging/provisioning.js';
import {
  holdPartition,
  openInReign,
  openPartition,
  readFence,
} from '../../src/charging/partition-fence.js';
import { noteDeparture, restoreAccount } from '../../src/charging/restoring.js';
import type { ScriptName } from '../../src/charging/script-loader.js';
import { measureSession } from '../../src/charging/session-measure.js';

import { noteSteered, settleReport, takeReport } from '../../src/charging/session-report.js';
import { purgeEndedBuckets, readAccountWithSessions } from '../../src/charging/snapshot.js';
import { claimSteering, concludeSteering, raiseSteering } from '../../src/charging/steering.js';
import { sweepTimer } from '../../src/charging/sweeping.js';
import { toAmount } from '../../src/domain/amounts.js';
import type { SharingMembership } from '../../src/domain/profile.js';
import { admissionRequest, networkReport } from './access-requests.js';
import { chargeRequest, newBucket, stamp, START_MS, type RequestParts } from './charge-requests.js';
import { fundAccount } from './funded-account.js';

/** Where the account is, and where a move takes it. */
const [HERE, THERE] = [0, 1];
const account = { partition: HERE, accountId: 'a' };
const session = { ...account, sessionId: 's' };
/** A day behind: everything with an end has ended. */
const LATER = START_MS + 86_400_000;
const move = { accountId: 'a', from: HERE, to: THERE, stamp, now: START_MS };
const pool = { code: 'pool', ranges: [{ first: '10.0.0.1', last: '10.0.0.2' }], restSeconds: 0 };
const sharing: SharingMembership = {
  ownerAccountId: 'owner',
  order: 'own-first',
  scope: null,
  resources: null,
};

function request(parts: RequestParts) {
  return chargeRequest({ now: START_MS + 1, sharing, ...parts });
}

/** The report of a NAS that has carried some octets. */
const reported = networkReport({
  now: START_MS + 60_000,
  status: 'start',
  eventAt: START_MS + 60_000,
  uploadOctets: toAmount(10),
  downloadOctets: toAmount(20),
  sessionSeconds: 60,
});
const report = { ...reported, charge: { ...reported.charge, sharing } };

const restored = {
  ...account,
  sequence: 9,
  lastSeen: START_MS,
  standing: 'active',
  profileVersion: 1,
  lastIntent: 1,
  buckets: [],
  counters: [],
  thresholds: [],
  sessions: [
    {
      sessionId: 's',
      state: 'open',
      openedAt: START_MS,
      lastNumber: 0,
      lastSeen: START_MS,
      deadline: LATER,
      retentionMs: 1_000,
      stamp,
      services: [],
      network: null,
      settled: [],
    },
  ],
  live: [],
  caps: [],
  forgottenSessionIds: [],
} as const;

/**
 * An account with a session that holds units of its own and of its owner, another session over a
 * NAS, and a bucket that is over.
 */
async function arrangeAccount(engine: Engine): Promise<void> {
  for (const partition of [HERE, THERE]) await openPartition(engine, partition, 1);
  const soon = { endsAt: START_MS + 1 };
  await fundAccount(engine, 'owner', [newBucket('pool', 'octets', 10_000)]);
  await fundAccount(engine, 'a', [
    newBucket('free', 'octets', 500),
    newBucket('over', 'seconds', 5, soon),
  ]);
  await charge(engine, request({ phase: 'initial', number: 0, want: 700, now: START_MS }));
  await sweepTimer(engine, { partition: HERE, member: 'a:a' }, START_MS + 1);
  const login = admissionRequest({ now: START_MS + 1 });
  await admit(engine, { ...login, charge: { ...login.charge, sharing } });
}

async function sealed(engine: Engine): Promise<SealedAccount> {
  const found = await sealAccount(engine, move);
  if (found === null) throw new Error('the account has gone');
  return found;
}

async function lifted(engine: Engine) {
  const { sequence } = await sealed(engine);
  const fields = await liftSession(engine, move, { sessionId: 's', sequence });
  if (fields === null) throw new Error('the session has gone');
  return { sessionId: 's', sequence, fields };
}

async function controlOf({ redis, keys }: Engine, partition: number): Promise<string> {
  return (await redis.get(keys.control(partition))) ?? '';
}

/** What comes before a call, and the call. */
type Arranged = (engine: Engine) => Promise<() => Promise<unknown>>;

/** A call that needs no more than the account. */
const atOnce =
  (call: (engine: Engine) => Promise<unknown>): Arranged =>
  async (engine) => {
    return () => call(engine);
  };

const ARRANGED: Readonly<Record<ScriptName, Arranged>> = {
  charge: atOnce((engine) =>
    charge(engine, request({ phase: 'update', number: 1, used: 600, want: 50 })),
  ),
  settle: atOnce((engine) =>
    settle(engine, request({ phase: 'terminate', number: 1, used: 600, now: LATER })),
  ),
  enquire: atOnce((engine) =>
    enquire(engine, request({ phase: 'event', number: 0, sessionId: 'e', used: 5 })),
  ),
  credit: atOnce((engine) =>
    creditAccount(engine, {
      ...account,
      intentNumber: 2,
      intentId: 'i',
      kind: 'top-up',
      reason: null,
      operations: [{ operation: 'add', bucketId: 'free', amount: toAmount(5) }],
      stamp,
      now: START_MS + 1,
    }),
  ),
  provision: atOnce((engine) =>
    provisionAccount(engine, {
      ...account,
      standing: 'suspended',
      profileVersion: 2,
      stamp,
      now: START_MS + 1,
    }),
  ),
  sweep: atOnce((engine) => sweepTimer(engine, { partition: HERE, member: 's:s' }, LATER)),
  purge: atOnce((engine) => purgeEndedBuckets(engine, account, 1_000)),
  snapshot: atOnce((engine) => readAccountWithSessions(engine, { ...account, sessionIds: ['s'] })),
  fence: atOnce((engine) => readFence(engine, HERE)),
  open: async (engine) => {
    const { reign } = await readFence(engine, HERE);
    return () => openInReign(engine, { partition: HERE, epoch: 2, reign });
  },
  restore: async (engine) => {
    await holdPartition(engine, HERE, 1);
    return () => restoreAccount(engine, restored);
  },
  witness: atOnce((engine) =>
    callScript(engine, 'witness', [engine.keys.waited(engine.keys.control(0))], ['1']),
  ),
  steer: atOnce((engine) => raiseSteering(engine, session, { kind: 'abort', reason: 'demand' })),
  claim: async (engine) => {
    await raiseSteering(engine, session, { kind: 'abort', reason: 'demand', now: START_MS });
    return () => claimSteering(engine, session, { leaseMs: 1, now: LATER });
  },
  conclude: async (engine) => {
    await raiseSteering(engine, session, { kind: 'abort', reason: 'demand', now: START_MS });
    const claimed = await claimSteering(engine, session, { leaseMs: 1, now: LATER });
    if (claimed === null) throw new Error('the task was not to be had');
    const unknown = { outcome: 'unknown-session', detail: null, againMs: null } as const;
    return () => concludeSteering(engine, claimed, { ...unknown, now: LATER });
  },
  admit: atOnce((engine) => {
    const login = admissionRequest({ sessionId: 's2', now: START_MS + 1 });
    return admit(engine, { ...login, charge: { ...login.charge, sharing } });
  }),
  admit_unfailed: atOnce((engine) => {
    const login = admissionRequest({ sessionId: 's2', now: START_MS + 1 });
    return admit(engine, {
      ...login,
      ...{ charge: { ...login.charge, sharing }, unfailed: ['user:anna'] },
    });
  }),
  report: atOnce((engine) => takeReport(engine, report)),
  report_settled: atOnce((engine) => settleReport(engine, report)),
  level: atOnce((engine) =>
    noteSteered(
      engine,
      { ...session, sessionId: 's1' },
      {
        level: { at: { kind: 'full' }, taken: true },
        endsAt: LATER,
      },
    ),
  ),
  measure: atOnce((engine) =>
    measureSession(engine, {
      charge: report.charge,
      gauges: ['total'],
      expiresAt: null,
      sessionsMax: null,
      caps: [],
    }),
  ),
  lease: atOnce((engine) =>
    leaseAddress(engine, { pool, sessionId: 's', owner: 'a', leaseMs: 1_000 }),
  ),
  release: async (engine) => {
    await leaseAddress(engine, { pool, sessionId: 's', owner: 'a', leaseMs: 1_000 });
    return () => releaseAddress(engine, { pool, sessionId: 's' });
  },
  move_out: atOnce((engine) => sealAccount(engine, move)),
  move_lift: async (engine) => {
    const { sequence } = await sealed(engine);
    return () => liftSession(engine, move, { sessionId: 's', sequence });
  },
  move_lay: async (engine) => {
    const laid = await lifted(engine);
    return () => laySession(engine, move, laid);
  },
  move_in: async (engine) => {
    const { state } = await sealed(engine);
    const access = await engine.redis.getBuffer(engine.keys.access(HERE, 'a'));
    return async () => {
      const control = await controlOf(engine, THERE);
      return landAccount(engine, move, { state, timers: ['s', LATER], access, control });
    };
  },
  move_drop: async (engine) => {
    const { sequence } = await sealed(engine);
    return async () => {
      const control = await controlOf(engine, HERE);
      return dropSessions(engine, move, { sequence, sessionIds: ['s'], control });
    };
  },
  move_note: async (engine) => {
    await holdPartition(engine, HERE, 1);
    const departed = { ...account, sequence: 99, to: THERE, sessionIds: ['s'] };
    return () => noteDeparture(engine, departed);
  },
};

/** One run of a script: its keys as its face gave them, its reply or what it failed with. */
export interface ScriptCall {
  readonly keys: readonly string[];
  readonly status: number | null;
  readonly error: Error | null;
}

/**
 * Calls a script over state in which it has something to do.
 * @param before right before the script runs, with its keys
 * @param after right behind it
 */
export async function callOnce(
  engine: Engine,
  script: ScriptName,
  {
    before = async () => undefined,
    after = async () => undefined,
  }: {
    readonly before?: (keys: readonly string[]) => Promise<void>;
    readonly after?: (keys: readonly string[]) => Promise<void>;
  } = {},
): Promise<ScriptCall> {
  let seen: ScriptCall | null = null;
  let isArranged = false;
  const watched: Engine = {
    ...engine,
    scripts: {
      ...engine.scripts,
      run: async (redis, name, keys, args) => {
        if (!isArranged || name !== script || seen !== null) {
          return engine.scripts.run(redis, name, keys, args);
        }
        await before(keys);
        try {
          const reply = await engine.scripts.run(redis, name, keys, args);
          seen = { keys, status: Number(reply[0]), error: null };
          return reply;
        } catch (error) {
          seen = { keys, status: null, error: error as Error };
          throw error;
        } finally {
          await after(keys);
        }
      },
    },
  };
  await arrangeAccount(watched);
  const call = await ARRANGED[script](watched);
  isArranged = true;
  // What a face makes of a reply is its own tests' to say.
  await call().catch(() => undefined);
  if (seen === null) throw new Error(`the face of ${script} did not call it`);
  return seen;
}
