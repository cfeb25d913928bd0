/** The order of KEYS is said twice, in a script's header and in its TypeScript face: once too often. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { leaseAddress, releaseAddress } from '../../../src/charging/address-pools.js';
import { admit } from '../../../src/charging/admission.js';
import type { ChargeRequest } from '../../../src/charging/charge-request.js';
import { charge, enquire, settle } from '../../../src/charging/charge.js';
import { callScript, type Engine } from '../../../src/charging/engine.js';
import {
  REPLY_FENCED,
  REPLY_STEERING_NEEDED,
  SESSION_ACCOUNT,
  SESSION_OWNER,
} from '../../../src/charging/generated/layout.js';
import type { Keys } from '../../../src/charging/keys.js';
import {
  dropSessions,
  landAccount,
  laySession,
  liftSession,
  sealAccount,
} from '../../../src/charging/move-steps.js';
import { pack } from '../../../src/charging/packing.js';
import { creditAccount, provisionAccount } from '../../../src/charging/provisioning.js';
import { noteSteered, settleReport, takeReport } from '../../../src/charging/session-report.js';
import { measureSession } from '../../../src/charging/session-measure.js';
import { openInReign, readFence } from '../../../src/charging/partition-fence.js';
import {
  noteDeparture,
  restoreAccount,
  type RestoredAccount,
} from '../../../src/charging/restoring.js';
import { readScripts, SCRIPT_NAMES, type ScriptName } from '../../../src/charging/script-loader.js';
import { purgeEndedBuckets, readAccountWithSessions } from '../../../src/charging/snapshot.js';
import {
  claimSteering,
  concludeSteering,
  raiseSteering,
  type ClaimedSteering,
} from '../../../src/charging/steering.js';
import { sweepTimer } from '../../../src/charging/sweeping.js';
import { admissionRequest, networkReport } from '../../support/access-requests.js';
import { chargeRequest, stamp } from '../../support/charge-requests.js';

const LUA = path.resolve(import.meta.dirname, '../../../lua');

/** Keys that spell what they are. */
const spelled: Keys = {
  meta: 'meta',
  config: 'config',
  nodes: 'nodes',
  originStates: 'origin-states',
  reach: 'reach',
  identity: () => 'identity',
  route: () => 'route',
  control: () => 'control',
  account: (_partition, accountId) => (accountId === 'owner' ? 'owner' : 'account'),
  aside: () => 'aside',
  session: () => 'session',
  timers: () => 'timers',
  outbox: () => 'outbox',
  waited: () => 'waited',
  access: () => 'access',
  answer: () => 'answer',
  nasSessions: () => 'nas',
  leases: () => 'leases',
  holders: () => 'holders',
  failures: () => 'failures',
  rejects: 'rejects',
  boots: 'boots',
  authenticators: 'authenticators',
  steer: () => 'steer',
  tasks: () => 'tasks',
  steerPattern: 'steer',
};

/** A session that holds units of a sharing owner. */
const sessionHeader = pack(
  Array.from({ length: SESSION_OWNER }, (_, index) => {
    if (index + 1 === SESSION_ACCOUNT) return 'a';
    return index + 1 === SESSION_OWNER ? 'owner' : 0;
  }),
);

/**
 * The keys a face passes: every script replies that the partition is fenced, or nothing; those that
 * can ask for the keys of steering do so first.
 */
async function keysOf(
  call: (engine: Engine) => Promise<unknown>,
  { waits = true }: { readonly waits?: boolean } = {},
): Promise<readonly string[]> {
  let seen: readonly string[] | null = null;
  const engine: Engine = {
    redis: { hgetBuffer: async () => sessionHeader } as never,
    scripts: {
      ...readScripts(),
      run: async (_redis, name, keys) => {
        const asks = waits && seen === null && (name === 'charge' || name === 'settle');
        seen = keys;
        return [asks ? REPLY_STEERING_NEEDED : REPLY_FENCED];
      },
    },
    keys: spelled,
    limits: { requestTimeoutMs: 100 },
  };
  await call(engine).catch(() => undefined);
  if (seen === null) throw new Error('the face called no script');
  return seen;
}

/** "KEYS account, session (why), control - where" as names; the sharing owner's last. */
function keysInHeader(script: ScriptName): readonly string[] {
  const text = readFileSync(path.join(LUA, `${script}.lua`), 'utf8');
  const line = /^-- KEYS (.*(?:\n--(?! [A-Z]).*)*)/m.exec(text)?.[1];
  if (line === undefined) throw new Error(`${script}.lua has no KEYS line`);
  return line
    .replace(/\n--/g, '')
    .replace(/\([^)]*\)/g, '')
    .replace(/ - .*$/, '')
    .split(',')
    .map((part) => /(owner)|(\w+)\s*$/.exec(part.trim())?.slice(1).find(Boolean) ?? part)
    .map((name) => name.trim());
}

const account = { partition: 0, accountId: 'a' };
const shared: ChargeRequest = {
  ...chargeRequest({ phase: 'initial', number: 0 }),
  sharing: { ownerAccountId: 'owner', order: 'own-first', scope: null, resources: null },
};
const credit = {
  ...account,
  intentNumber: 1,
  intentId: 'i',
  kind: 'top-up',
  reason: null,
} as const;

const move = { accountId: 'a', from: 0, to: 1, stamp };
const session = { ...account, sessionId: 's' };
const claimed: ClaimedSteering = {
  subject: session,
  taskId: 1,
  kind: 'abort',
  reason: 'demand',
  attempt: 1,
  after: -1,
};

const pool = { code: 'pool', ranges: [{ first: '10.0.0.1', last: '10.0.0.2' }], restSeconds: 0 };
const restored: Omit<RestoredAccount, 'partition' | 'accountId'> = {
  sequence: 1,
  lastSeen: 0,
  standing: 'active',
  profileVersion: 1,
  lastIntent: 0,
  buckets: [],
  counters: [],
  thresholds: [],
  sessions: [
    {
      sessionId: 's',
      state: 'open',
      openedAt: 0,
      lastNumber: 0,
      lastSeen: 0,
      deadline: 0,
      retentionMs: 0,
      stamp,
      services: [],
      network: null,
      settled: [],
    },
  ],
  live: [],
  caps: [],
  forgottenSessionIds: [],
};

const FACES: Readonly<Record<ScriptName, (engine: Engine) => Promise<unknown>>> = {
  charge: (engine) => charge(engine, shared),
  settle: (engine) => settle(engine, shared),
  enquire: (engine) => enquire(engine, shared),
  credit: (engine) => creditAccount(engine, { ...credit, operations: [], stamp }),
  provision: (engine) =>
    provisionAccount(engine, { ...account, standing: 'active', profileVersion: 1, stamp }),
  sweep: (engine) => sweepTimer(engine, { partition: 0, member: 's:s' }),
  purge: (engine) => purgeEndedBuckets(engine, account, 1),
  snapshot: (engine) => readAccountWithSessions(engine, { ...account, sessionIds: ['s'] }),
  fence: (engine) => readFence(engine, 0),
  open: (engine) => openInReign(engine, { partition: 0, epoch: 1, reign: 'r' }),
  witness: (engine) => callScript(engine, 'witness', [engine.keys.waited('')], ['1']),
  restore: (engine) => restoreAccount(engine, { ...account, ...restored }),
  steer: (engine) => raiseSteering(engine, session, { kind: 'abort', reason: 'demand' }),
  claim: (engine) => claimSteering(engine, session, { leaseMs: 1 }),
  conclude: (engine) =>
    concludeSteering(engine, claimed, { outcome: 'accepted', detail: null, againMs: null }),
  admit: (engine) => admit(engine, admissionRequest({ charge: shared })),
  admit_unfailed: (engine) =>
    admit(engine, { ...admissionRequest({ charge: shared }), unfailed: ['user:anna'] }),
  report: (engine) => takeReport(engine, networkReport({ charge: shared })),
  report_settled: (engine) => settleReport(engine, networkReport({ charge: shared })),
  level: (engine) => noteSteered(engine, session, {}),
  measure: (engine) =>
    measureSession(engine, {
      charge: shared,
      gauges: ['total'],
      expiresAt: null,
      sessionsMax: null,
      caps: [],
    }),
  lease: (engine) => leaseAddress(engine, { pool, sessionId: 's', owner: 'a', leaseMs: 1 }),
  release: (engine) => releaseAddress(engine, { pool, sessionId: 's' }),
  move_out: (engine) => sealAccount(engine, move),
  move_lift: (engine) => liftSession(engine, move, { sessionId: 's', sequence: 1 }),
  move_lay: (engine) => {
    return laySession(engine, move, { sessionId: 's', sequence: 1, fields: Buffer.of(0x90) });
  },
  move_in: (engine) =>
    landAccount(engine, move, {
      ...{ state: Buffer.of(0x90), timers: [], access: null },
      control: '1:ab',
    }),
  move_drop: (engine) => {
    return dropSessions(engine, move, { sequence: 1, sessionIds: ['s'], control: '1:ab' });
  },
  move_note: (engine) =>
    noteDeparture(engine, { ...account, sequence: 1, to: 1, sessionIds: ['s'] }),
};

describe('the TypeScript face of a script passes the keys that its header names', () => {
  it.each([...SCRIPT_NAMES])('%s', async (script) => {
    expect(await keysOf(FACES[script])).toEqual(keysInHeader(script));
  });

  it('and none of a sharing owner where there is no sharing', async () => {
    const own = chargeRequest({ phase: 'initial', number: 0 });
    const withOwner = keysInHeader('charge');
    expect(await keysOf((engine) => charge(engine, own))).toEqual(
      withOwner.map((name) => (name === 'owner' ? 'account' : name)),
    );
  });

  it('and none of steering where no other session waits', async () => {
    const own = chargeRequest({ phase: 'initial', number: 0 });
    expect(await keysOf((engine) => charge(engine, own), { waits: false })).toEqual(
      keysInHeader('charge').filter((name) => !['owner', 'steer', 'tasks'].includes(name)),
    );
  });
});
