/** State that a later version of tolld wrote stays as it is, whichever way a call goes. */
import { expect, test } from 'vitest';
import { admit } from '../../../src/charging/admission.js';
import { charge } from '../../../src/charging/charge.js';
import type { Engine } from '../../../src/charging/engine.js';
import * as layout from '../../../src/charging/generated/layout.js';
import { pack, unpackBytes, type Packable } from '../../../src/charging/packing.js';
import { creditAccount } from '../../../src/charging/provisioning.js';
import { measureSession } from '../../../src/charging/session-measure.js';
import { noteSteered, settleReport, takeReport } from '../../../src/charging/session-report.js';
import { sweepTimer } from '../../../src/charging/sweeping.js';
import { toAmount } from '../../../src/domain/amounts.js';
import type { SharingMembership } from '../../../src/domain/profile.js';
import { admissionRequest, networkReport } from '../../support/access-requests.js';
import { chargeRequest, newBucket, stamp, START_MS } from '../../support/charge-requests.js';
import { testEngines } from '../../support/charging-engine.js';
import { fundAccount } from '../../support/funded-account.js';
import { dumpOf } from '../../support/redis-dump.js';

const engines = testEngines();
const SOON = START_MS + 60_000;
/** The first field of all that is packed. */
const newer = (packed: Buffer | null): Buffer =>
  pack((unpackBytes(packed ?? Buffer.of(0x90)) as Packable[]).with(0, layout.SCHEMA_VERSION + 1));

const fieldOf = (sessionId: string, field: string) => async (engine: Engine) => {
  const key = engine.keys.session(0, sessionId);
  await engine.redis.hset(key, field, newer(await engine.redis.hgetBuffer(key, field)));
};
const valueOf = (keyOf: (engine: Engine) => string) => async (engine: Engine) => {
  const key = keyOf(engine);
  await engine.redis.set(key, newer(await engine.redis.getBuffer(key)));
};
const account = valueOf(({ keys }) => keys.account(0, 'a'));
const access = valueOf(({ keys }) => keys.access(0, 'a'));

type Sharing = SharingMembership | null;
const grown = { uploadOctets: toAmount(10), downloadOctets: toAmount(20), sessionSeconds: 60 };
const report = (sharing: Sharing) => {
  const request = networkReport({ now: SOON, eventAt: SOON, ...grown });
  return { ...request, charge: { ...request.charge, sharing } };
};
const CALLS = {
  charge: (engine: Engine, sharing: Sharing) =>
    charge(
      engine,
      chargeRequest({ phase: 'update', number: 1, used: 10, want: 10, now: SOON, sharing }),
    ),
  admit: (engine: Engine, sharing: Sharing) => {
    const request = admissionRequest({ sessionId: 's2', now: SOON });
    return admit(engine, { ...request, charge: { ...request.charge, sharing } });
  },
  report: (engine: Engine, sharing: Sharing) => takeReport(engine, report(sharing)),
  'report settled': (engine: Engine, sharing: Sharing) => settleReport(engine, report(sharing)),
  measure: (engine: Engine, sharing: Sharing) =>
    measureSession(engine, {
      ...{ charge: report(sharing).charge, gauges: ['total'] },
      ...{ expiresAt: null, sessionsMax: null, caps: [] },
    }),
  credit: (engine: Engine) =>
    creditAccount(engine, {
      ...{ partition: 0, accountId: 'a', intentNumber: 2, intentId: 'i', kind: 'top-up' },
      ...{ reason: null, stamp, now: SOON },
      operations: [{ operation: 'add', bucketId: 'own', amount: toAmount(5) }],
    }),
} as const;

const CASES = [
  ['a session', fieldOf('s', 'h'), ['charge']],
  ['a session of the network', fieldOf('s1', 'h'), ['report', 'report settled']],
  ['what a NAS said', fieldOf('s1', 'r'), ['report', 'report settled', 'measure']],
  ['network access', access, ['admit', 'report', 'report settled', 'measure', 'credit']],
  ['an account', account, ['charge', 'admit', 'report', 'report settled', 'measure', 'credit']],
] as const;
const GROUP: SharingMembership = {
  ...{ ownerAccountId: 'owner', order: 'own-first', scope: null, resources: null },
};

/** As a refusal, or as the error of a face that has none for it. */
const REFUSED = new RegExp(`newer|replied status ${layout.REPLY_NEWER_STATE}`);

test.each(CASES)('%s of a later version stays as it is', async (_what, rewrite, calls) => {
  for (const sharing of [null, GROUP]) {
    const engine = await engines.fresh();
    await fundAccount(engine, 'owner', [newBucket('pool', 'octets', 10_000)]);
    await fundAccount(engine, 'a', [newBucket('own', 'octets', 100_000)]);
    const initial = { phase: 'initial', number: 0, want: 50, now: START_MS } as const;
    await charge(engine, chargeRequest({ ...initial, sharing }));
    const login = admissionRequest();
    await admit(engine, { ...login, charge: { ...login.charge, sharing } });
    const start = networkReport({ status: 'start', now: START_MS + 1_000 });
    await takeReport(engine, { ...start, charge: { ...start.charge, sharing } });
    await rewrite(engine);
    const before = await dumpOf(engine);
    for (const name of calls) {
      const outcome = await CALLS[name](engine, sharing).catch((error: Error) => error.message);
      const said = JSON.stringify(outcome);
      expect(said, name).toMatch(REFUSED);
      expect(await dumpOf(engine), name).toEqual(before);
    }
  }
});

test.each([
  ['a session', 's', 'h'],
  ['a session of the network', 's1', 'h'],
  ['what a NAS said', 's1', 'r'],
])('%s of a later version is not swept or steered', async (_what, id, field) => {
  const engine = await engines.fresh();
  await fundAccount(engine, 'a', [newBucket('own', 'octets', 100_000)]);
  const initial = { phase: 'initial', number: 0, want: 50, now: START_MS } as const;
  await charge(engine, chargeRequest(initial));
  await admit(engine, admissionRequest());
  await takeReport(engine, networkReport({ status: 'start', now: START_MS + 1_000 }));
  await fieldOf(id, field)(engine);
  const before = await dumpOf(engine);
  for (const now of [SOON, START_MS + 365 * 86_400_000]) {
    await sweepTimer(engine, { partition: 0, member: `s:${id}` }, now);
    expect(await dumpOf(engine), `swept at ${now}`).toEqual(before);
  }
  if (field === 'r') {
    await noteSteered(engine, { partition: 0, sessionId: id }, { endsAt: SOON });
    expect(await dumpOf(engine)).toEqual(before);
  }
});
