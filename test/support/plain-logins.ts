/** Random logins of a NAS, played the short way and the whole one: both must leave the same behind. */
import fc from 'fast-check';
import { admit, type FairUseCap } from '../../src/charging/admission.js';
import { packTerms, type ChargeService } from '../../src/charging/charge-request.js';
import type { Engine } from '../../src/charging/engine.js';
import {
  creditAccount,
  provisionAccount,
  type AccountThreshold,
} from '../../src/charging/provisioning.js';
import { takeReport } from '../../src/charging/session-report.js';
import { toAmount } from '../../src/domain/amounts.js';
import { admissionRequest, networkReport } from './access-requests.js';
import {
  chargeService,
  chargeWindow,
  newBucket,
  rateLine,
  stamp,
  START_MS,
} from './charge-requests.js';
import { fundAccount } from './funded-account.js';
import { compareWays, type ComparisonSize, type TwoWays } from './two-ways.js';

/** Where the scripts try the short way. */
export const LOGIN_CALL = 'local plain = admit_plainly(KEYS, ARGV)';

/** What nearly every login says, and what few do. */
function seldom<Value>(usual: Value, other: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
}

/** A bucket behind or in front of the one with plenty. */
interface Purse {
  readonly resource: 'octets' | 'seconds' | 'EUR' | 'USD';
  readonly granted: number;
  readonly priority: number;
  readonly state: 'active' | 'armed' | 'pending' | 'inactive';
  readonly startsAfterMs: number | null;
  readonly endsAfterMs: number | null;
  readonly step: number;
  readonly blocker: boolean;
  readonly scoped: boolean;
  readonly floor: number;
}

const purse: fc.Arbitrary<Purse> = fc.record({
  resource: fc.constantFrom('octets', 'octets', 'EUR', 'EUR', 'seconds', 'USD'),
  granted: fc.oneof(fc.constantFrom(0, 1, 1e15), fc.integer({ min: 0, max: 3_000_000 })),
  priority: fc.constantFrom(5, 10, 20),
  state: seldom<Purse['state']>('active', fc.constantFrom('armed', 'pending', 'inactive')),
  startsAfterMs: seldom<number | null>(null, fc.constantFrom(50_000, 500_000)),
  endsAfterMs: fc.constantFrom(null, null, 100_000, 1_000_000, 1e9),
  step: seldom(1, fc.constant(1_000)),
  blocker: seldom(false, fc.constant(true)),
  scoped: seldom(false, fc.constant(true)),
  floor: seldom(0, fc.constantFrom(10, 2_000_000)),
});

/** Lines whose price is not one of each unit alone. */
const LINES = {
  counter: { counter: 'month' },
  steps: { pulses: [{ from: 0, step: 7_000 }] },
  tiers: {
    tiers: [
      { from: 0, num: 1, den: 1 },
      { from: 1_000, num: 2, den: 1 },
    ],
  },
  fee: { connectionFee: toAmount(700_000) },
  minimum: { minimumCharge: toAmount(5_000_000) },
  cap: { cap: toAmount(500_000) },
  bounded: { unitsMax: toAmount(100_000) },
} as const;
const LINE_KINDS = Object.keys(LINES) as (keyof typeof LINES)[];

interface World {
  readonly plenty: boolean;
  readonly purses: readonly Purse[];
  readonly threshold: number | null;
  readonly timed: boolean;
  readonly priced: 'line' | 'free' | 'none' | 'not-yet' | keyof typeof LINES;
  readonly order: 'earliest-expiring' | 'largest';
  readonly rate: number;
  readonly sharePercent: number;
  readonly capped: boolean;
  readonly sessionsMax: number | null;
  readonly expiresAfterMs: number | null;
  readonly gardens: boolean;
}

const world: fc.Arbitrary<World> = fc.record({
  plenty: seldom(true, fc.constant(false)),
  purses: fc.array(purse, { maxLength: 4 }),
  threshold: fc.constantFrom(null, null, 1_000, 2e15),
  timed: fc.boolean(),
  priced: seldom<World['priced']>(
    'line',
    fc.constantFrom('free', 'none', 'not-yet', ...LINE_KINDS),
  ),
  order: seldom<World['order']>('earliest-expiring', fc.constant('largest')),
  rate: fc.constantFrom(0, 1_000, 1_000_000),
  sharePercent: fc.constantFrom(50, 50, 100, 1),
  capped: fc.constantFrom(false, false, false, true),
  sessionsMax: fc.constantFrom(null, null, 1, 2),
  expiresAfterMs: seldom<number | null>(null, fc.constantFrom(400_000, 2_000_000)),
  gardens: fc.boolean(),
});

interface Step {
  readonly kind: 'login' | 'again' | 'start' | 'stop' | 'top-up' | 'suspend';
  readonly afterMs: number;
  readonly station: string | null;
  readonly port: string | null;
  readonly nas: string;
  readonly user: string;
  readonly session: number | null;
  readonly profileVersion: number;
  readonly used: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: seldom<Step['kind']>(
    'login',
    fc.constantFrom('again', 'start', 'start', 'stop', 'top-up', 'suspend'),
  ),
  afterMs: fc.constantFrom(0, 1, 30_000, 60_000, 100_000),
  station: fc.constantFrom(null, 'one', 'two'),
  port: fc.constantFrom(null, 'one', 'two'),
  nas: seldom('bng', fc.constant('other')),
  user: seldom('anna', fc.constant('berta')),
  session: seldom<number | null>(null, fc.integer({ min: 0, max: 3 })),
  profileVersion: seldom(1, fc.constant(2)),
  used: seldom(0, fc.constant(5)),
});

const CAP: FairUseCap = {
  id: 'day',
  fromMs: START_MS - 1,
  untilMs: START_MS + 1e9,
  counts: 'total',
  octets: toAmount(200_000),
  level: 1,
  octetsPerSecond: 100,
};

function windowsOf(priced: World['priced']) {
  const line = rateLine({ id: 'line' });
  switch (priced) {
    case 'line':
      return [chargeWindow(line)];
    case 'free':
      return [chargeWindow(line, { kind: 'free' })];
    case 'none':
      return [];
    case 'not-yet':
      return [chargeWindow(line, { fromMs: START_MS + 200_000 })];
    default:
      return [chargeWindow(rateLine({ id: 'line', ...LINES[priced] }))];
  }
}

function servicesOf({ timed, priced, order, sharePercent }: World): readonly ChargeService[] {
  const octets = chargeService({ key: '0', want: toAmount(100_000), windows: windowsOf(priced) });
  const seconds = chargeService({ key: '0:seconds', unit: 'seconds', want: toAmount(600) });
  return (timed ? [octets, seconds] : [octets]).map((service) => {
    const quota = {
      ...{ ...service.quota, sharePercent, maximum: toAmount(2 ** 50) },
      ...{ validitySeconds: 60, shortValiditySeconds: 60 },
    };
    const terms = { ...service, unitOrder: order, quota };
    return { ...terms, packedTerms: packTerms(terms) };
  });
}

async function fund(engine: Engine, { plenty, purses, threshold }: World): Promise<void> {
  const buckets = purses.map((one, index) =>
    newBucket(`bucket ${index}`, one.resource, one.granted, {
      ...{ priority: one.priority, state: one.state, step: one.step, blocker: one.blocker },
      startsAt: one.startsAfterMs === null ? null : START_MS + one.startsAfterMs,
      endsAt: one.endsAfterMs === null ? null : START_MS + one.endsAfterMs,
      floor: toAmount(one.floor),
      // Waits for a time, or behind the bucket before it.
      ...(one.state === 'pending' &&
        one.startsAfterMs === null && { after: index > 0 ? `bucket ${index - 1}` : 'data' }),
      ...(one.scoped && { scope: { contexts: ['elsewhere'] } }),
    }),
  );
  const much = [newBucket('data', 'octets', 1e12), newBucket('time', 'seconds', 1e9)];
  await fundAccount(engine, 'a', [...(plenty ? much : []), ...buckets]);
  if (threshold === null) return;
  const watched: AccountThreshold = {
    ...{ id: 'low', resource: 'octets', bundleId: null, lowBalance: true },
    level: { amount: toAmount(threshold) },
  };
  await credit(engine, 2, [{ operation: 'set-thresholds', thresholds: [watched] }]);
}

type Operations = Parameters<typeof creditAccount>[1]['operations'];

async function credit(engine: Engine, number: number, operations: Operations): Promise<void> {
  await creditAccount(engine, {
    ...{ partition: 0, accountId: 'a', stamp, now: START_MS, kind: 'top-up', reason: null },
    ...{ intentNumber: number, intentId: `a-${number}`, operations },
  });
}

/** Plays the steps. Returns what each was answered, and when the last was. */
async function play(engine: Engine, given: World, steps: readonly Step[]) {
  await fund(engine, given);
  const services = servicesOf(given);
  const shared = {
    gauges: given.timed ? (['total', 'seconds'] as const) : (['total'] as const),
    rates: { total: 2 * given.rate, download: given.rate, upload: given.rate },
    expiresAt: given.expiresAfterMs === null ? null : START_MS + given.expiresAfterMs,
    sessionsMax: given.sessionsMax,
    freeTerms: services.map((service) => packTerms({ ...service, windows: windowsOf('free') })),
  };
  const answers: unknown[] = [];
  let now = START_MS;
  let number = 2;
  for (const [index, one] of steps.entries()) {
    now += one.afterMs;
    const sessionId = `s${one.session ?? index}`;
    // The plan has fair use, and then no more.
    const caps = given.capped && index % 2 === 0 ? [CAP] : [];
    if (one.kind === 'login' || one.kind === 'again') {
      const request = admissionRequest({
        ...{ ...shared, caps },
        ...{ sessionId, now, station: one.station, port: one.port, nas: one.nas, user: one.user },
        gardens: { noCredit: given.gardens, expired: given.gardens },
        requestKey: `login ${one.kind === 'again' ? index - 1 : index}`,
        network: `{"n":${index}}`,
        // Every other one asks in the same call whether its user has failed.
        unfailed: index % 2 === 0 ? ['user:anna'] : [],
      });
      const asked = services.map((service) => ({ ...service, used: toAmount(one.used) }));
      const { charge } = request;
      const profileVersion = one.profileVersion;
      answers.push(
        await admit(engine, { ...request, charge: { ...charge, services: asked, profileVersion } }),
      );
    } else if (one.kind === 'top-up') {
      const extra = newBucket(`extra ${index}`, 'octets', 1e6, { createdAt: now });
      number += 1;
      await credit(engine, number, [{ operation: 'grant', bucket: extra }]);
    } else if (one.kind === 'suspend') {
      const account = { partition: 0, accountId: 'a', stamp, now };
      await provisionAccount(engine, { ...account, standing: 'suspended', profileVersion: 1 });
    } else {
      const report = networkReport({
        ...{ ...shared, caps, now, status: one.kind, user: one.user, nas: one.nas },
        ...{ sessionId: `s${index - 1}`, uploadOctets: toAmount(0), downloadOctets: toAmount(0) },
      });
      answers.push(await takeReport(engine, { ...report, charge: { ...report.charge, services } }));
    }
  }
  return { answers, now };
}

const PLAIN_STEP: Step = {
  ...{ kind: 'login', afterMs: 1, station: 'one', port: null, nas: 'bng', user: 'anna' },
  ...{ session: null, profileVersion: 1, used: 0 },
};

const PLENTY: World = {
  ...{ plenty: true, purses: [], threshold: null, timed: false, priced: 'line' },
  ...{ order: 'earliest-expiring', rate: 1_000, sharePercent: 50, capped: false },
  ...{ sessionsMax: null, expiresAfterMs: null, gardens: false },
};

/** More sessions than an array has room for in its first octet. */
const CROWD = Array.from({ length: 17 }, (_, index): Step => ({
  ...PLAIN_STEP,
  station: `${index}`,
}));

/** The login before once more, and one by the name of a session that is there. */
const TWICE: Step[] = [
  PLAIN_STEP,
  PLAIN_STEP,
  { ...PLAIN_STEP, kind: 'again', station: 'two' },
  PLAIN_STEP,
  { ...PLAIN_STEP, session: 1, station: 'two' },
];

/** Comes from another NAS, comes in as long as it may, loses what its plan counted. */
const ELSEWHERE: Step[] = [PLAIN_STEP, { ...PLAIN_STEP, nas: 'other' }];
const OVERDUE = Array.from({ length: 6 }, (): Step => ({ ...PLAIN_STEP, afterMs: 100_000 }));

/** What there is lasts for minutes at this speed, and ends. */
function ending(endsAfterMs: number): Purse {
  return {
    ...{ resource: 'octets', granted: 3e9, priority: 10, state: 'active', startsAfterMs: null },
    ...{ endsAfterMs, step: 1, blocker: false, scoped: false, floor: 0 },
  };
}
const SOME_MONEY = { resource: 'EUR', granted: 3_000_000, endsAfterMs: null } as const;
const FAST: World = { ...PLENTY, plenty: false, rate: 1_000_000 };

/** Plays random logins both ways, and compares. @throws AssertionError where they differ. */
export function compareLogins(ways: TwoWays, size: ComparisonSize): Promise<number> {
  return compareWays(ways, size, {
    ...{ world, step, stepsMax: 12, play },
    examples: [
      [PLENTY, CROWD],
      [PLENTY, TWICE],
      ...LINE_KINDS.map((priced): [World, Step[]] => [
        { ...PLENTY, priced, sharePercent: 100, purses: [{ ...ending(1e9), ...SOME_MONEY }] },
        [PLAIN_STEP],
      ]),
      [{ ...PLENTY, sessionsMax: 1 }, ELSEWHERE],
      [{ ...PLENTY, expiresAfterMs: 400_000 }, OVERDUE],
      [{ ...PLENTY, capped: true }, OVERDUE],
      [{ ...FAST, purses: [ending(80_000)] }, [PLAIN_STEP]],
      [{ ...FAST, purses: [ending(1e6), ending(1e9)] }, [PLAIN_STEP]],
      [{ ...FAST, purses: [ending(1e6), { ...ending(1e9), state: 'pending' }] }, [PLAIN_STEP]],
    ],
  });
}
