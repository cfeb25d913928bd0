/** Random reports of a NAS, played the short way and the whole one: both must leave the same behind. */
import fc from 'fast-check';
import { admit, type FairUseCap, type GaugeRates } from '../../src/charging/admission.js';
import { packTerms, type ChargeService } from '../../src/charging/charge-request.js';
import type { Engine } from '../../src/charging/engine.js';
import { noteSteered, takeReport, type NetworkReport } from '../../src/charging/session-report.js';
import { sweepTimer } from '../../src/charging/sweeping.js';
import { AMOUNT_MAX, toAmount } from '../../src/domain/amounts.js';
import { admissionRequest, networkReport } from './access-requests.js';
import { chargeService, chargeWindow, newBucket, rateLine, START_MS } from './charge-requests.js';
import { fundAccount } from './funded-account.js';
import { compareWays, type ComparisonSize, type TwoWays } from './two-ways.js';

/** Where the scripts try the short way. */
export const REPORT_CALL = 'report_plainly(keys, args) or';
const SESSIONS = ['s1', 's10'] as const;

/** A count of seconds beside octets, from a bucket of its own. */
const octets = chargeService({ key: '0', want: toAmount(1_000_000) });
const seconds = chargeService({ key: '0:seconds', unit: 'seconds', want: toAmount(600) });
const validity = { validitySeconds: 45, shortValiditySeconds: 45 };

function serviceOf(service: ChargeService): ChargeService {
  const lasting = { ...service, quota: { ...service.quota, ...validity } };
  return { ...lasting, packedTerms: packTerms(lasting) };
}

function freeOf(service: ChargeService): Buffer {
  const free = chargeWindow(rateLine({ id: 'free' }), { kind: 'free' });
  return packTerms({ ...service, windows: [free] });
}

/**
 * A cap of the day that runs at a moment; where its octets are odd, of the next one, too, and one of a
 * month that is counted beside it at first.
 */
function capsOf({ capOctets, dayMs }: World, at: number): readonly FairUseCap[] {
  if (capOctets === null) return [];
  const days = Math.floor((at - START_MS) / dayMs);
  const day: FairUseCap = {
    id: 'day',
    fromMs: START_MS + days * dayMs,
    untilMs: START_MS + (days + 1) * dayMs,
    counts: 'total',
    octets: toAmount(capOctets),
    level: 1,
    octetsPerSecond: 100,
  };
  const next: FairUseCap = { ...day, fromMs: day.untilMs, untilMs: day.untilMs + dayMs };
  const month: FairUseCap = {
    ...day,
    ...{ id: 'month', fromMs: START_MS, untilMs: START_MS + 1e9 },
    ...{ counts: 'download', octets: toAmount(1e15) },
  };
  if (capOctets % 2 === 0) return [day];
  return days > 1 ? [day, next] : [day, next, month];
}

interface World {
  readonly octets: number;
  readonly money: number;
  readonly rate: number;
  readonly timed: boolean;
  /** Of a day, null where there is none. */
  readonly capOctets: number | null;
  readonly dayMs: number;
  readonly endsAfterMs: number | null;
  readonly expiresAfterMs: number | null;
  /** Both sessions are of one device, which has one at a time. */
  readonly oneDevice: boolean;
}

/** What nearly all have, and what few do. */
function seldom<Value>(usual: Value, other: fc.Arbitrary<Value>): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 40, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
}

const world: fc.Arbitrary<World> = fc.record({
  octets: fc.oneof({ weight: 8, arbitrary: fc.constant(1e15) }, fc.integer({ min: 0, max: 1e6 })),
  money: fc.constantFrom(0, 1e9),
  rate: fc.constantFrom(0, 1_000),
  timed: fc.boolean(),
  capOctets: fc.oneof(
    { weight: 3, arbitrary: fc.constant(null) },
    fc.constantFrom(200_000, 1e15, 1e15 + 1),
  ),
  dayMs: fc.constantFrom(1e9, 1_200_000),
  endsAfterMs: fc.constantFrom(null, 600_000, 1e9),
  expiresAfterMs: fc.constantFrom(null, null, 300_000, 600_000),
  oneDevice: seldom(false, fc.constant(true)),
});

interface Step {
  /**
   * `again`: the report before, once more. `moved`: an interim one, from another port from now on.
   * `rebuilt`: the session is looked at later than its end.
   * `slowed`: put on a rung, or off it. `login`: another session in the place of this one, which goes on
   * where nobody stopped it; `begin`: and its start.
   */
  readonly kind:
    | ('interim' | 'again' | 'moved' | 'start' | 'stop' | 'sweep' | 'told' | 'slowed' | 'rebuilt')
    | ('login' | 'begin');
  readonly session: number;
  readonly afterMs: number;
  readonly delayMs: number;
  readonly up: number;
  readonly down: number;
  readonly seconds: number | null;
  readonly silent: boolean;
  readonly width: 32 | 64;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 40, arbitrary: fc.constant<Step['kind']>('interim') },
    { weight: 5, arbitrary: fc.constantFrom<Step['kind']>('again', 'told', 'sweep', 'rebuilt') },
    {
      weight: 3,
      arbitrary: fc.constantFrom<Step['kind']>('start', 'stop', 'moved', 'moved', 'slowed'),
    },
    {
      weight: 6,
      arbitrary: fc.constantFrom<Step['kind']>('stop', 'stop', 'login', 'start', 'begin', 'begin'),
    },
  ),
  session: fc.integer({ min: 0, max: 1 }),
  afterMs: seldom(60_000, fc.constantFrom(0, 1, 1_000_000)),
  delayMs: seldom(0, fc.constantFrom(1_000, 120_000)),
  up: seldom(1_000, fc.constantFrom(0, -500, 2 ** 31, 2 ** 52, 2 ** 53)),
  down: fc.oneof(
    { weight: 15, arbitrary: fc.integer({ min: 0, max: 60_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(0, -500, 1e9, 2 ** 53) },
  ),
  seconds: seldom<number | null>(60, fc.constantFrom(null, 0, -60)),
  silent: seldom(false, fc.constant(true)),
  width: seldom<32 | 64>(64, fc.constant(32)),
});

/** What the NAS has counted of a session. */
interface Totals {
  sessionId: string;
  port: string | null;
  up: number;
  down: number;
  seconds: number;
}

function statusOf({ kind }: Step): NetworkReport['status'] {
  return kind === 'start' || kind === 'stop' ? kind : 'interim';
}

function stationOf({ oneDevice }: World): string | null {
  return oneDevice ? '02:00:5E:00:00:01' : null;
}

function newTotals(sessionId: string): Totals {
  return { sessionId, port: null, up: 0, down: 0, seconds: 0 };
}

/** Plays the steps. Returns what each was answered, and when the last was. */
async function play(engine: Engine, given: World, steps: readonly Step[]) {
  await fundAccount(engine, 'a', [
    newBucket('data', 'octets', given.octets, {
      endsAt: given.endsAfterMs === null ? null : START_MS + given.endsAfterMs,
    }),
    newBucket('time', 'seconds', 1e9),
    ...(given.money > 0 ? [newBucket('cash', 'EUR', given.money)] : []),
  ]);
  const rates: GaugeRates = { total: 2 * given.rate, download: given.rate, upload: given.rate };
  const services = [octets, ...(given.timed ? [seconds] : [])].map(serviceOf);
  const shared = {
    rates,
    gauges: given.timed ? (['total', 'seconds'] as const) : (['total'] as const),
    freeTerms: services.map(freeOf),
    expiresAt: given.expiresAfterMs === null ? null : START_MS + given.expiresAfterMs,
    caps: capsOf(given, START_MS),
  };
  const totals = SESSIONS.map(newTotals);
  const last: NetworkReport[] = [];
  const answers: unknown[] = [];
  let now = START_MS;
  const login = (sessionId: string) => {
    const request = admissionRequest({
      ...shared,
      ...{ sessionId, now, sessionKey: `key of ${sessionId}`, station: stationOf(given) },
      network: '{"pointer":{"nas":"bng","connection":"vpn"}}',
    });
    return admit(engine, { ...request, charge: { ...request.charge, services } });
  };
  const report = (one: Step, sessionId: string, total: Totals): NetworkReport => {
    const request = networkReport({
      ...shared,
      sessionId,
      now,
      status: statusOf(one),
      eventAt: now - one.delayMs,
      uploadOctets: one.silent ? null : toAmount(total.up),
      downloadOctets: one.silent ? null : toAmount(total.down),
      sessionSeconds: one.seconds === null ? null : total.seconds,
      width: one.width,
      sessionKey: `key of ${sessionId}`,
      port: total.port,
      caps: capsOf(given, now - one.delayMs),
      station: stationOf(given),
      network: () => `{"pointer":{"connection":${one.silent ? 'null' : '"pppoe"'},"nas":"bng"}}`,
    });
    const cause = one.kind === 'stop' && one.up > 0 ? 'User-Request' : null;
    return { ...request, charge: { ...request.charge, services, cause } };
  };
  for (const total of totals) {
    await login(total.sessionId);
    await takeReport(engine, report({ ...PLAIN_STEP, kind: 'start' }, total.sessionId, total));
  }
  for (const [index, one] of steps.entries()) {
    let total = totals[one.session];
    if (total === undefined) continue;
    if (one.kind === 'login' || one.kind === 'begin') {
      total = newTotals(`${SESSIONS[one.session]} ${index}`);
      totals[one.session] = total;
    }
    const { sessionId } = total;
    const place = { partition: 0, sessionId };
    const before = last[one.session];
    if (one.kind === 'again' && before !== undefined) {
      answers.push(await takeReport(engine, before));
      continue;
    }
    now += one.afterMs;
    if (one.kind === 'sweep') {
      answers.push(await sweepTimer(engine, { partition: 0, member: `s:${sessionId}` }, now));
    } else if (one.kind === 'rebuilt') {
      const { keys, redis } = engine;
      await redis.zadd(keys.timers(0), 'XX', now + 1e10, `s:${sessionId}`);
    } else if (one.kind === 'told') {
      // Near to what it has used, far from it, or no limit any more.
      const margin = [90_000, null, 1e11, null][one.down % 4] ?? null;
      const limit =
        margin === null ? null : toAmount(Math.min(total.up + total.down + margin, 2 ** 52));
      await noteSteered(engine, place, { told: { limits: [limit, null], endsAt: null } });
    } else if (one.kind === 'slowed') {
      const isDown = one.down % 2 === 0;
      const at = isDown ? ({ kind: 'ladder', rung: 1 } as const) : ({ kind: 'full' } as const);
      await noteSteered(engine, place, { level: { at, taken: !isDown } });
    } else if (one.kind === 'login') {
      answers.push(await login(sessionId));
    } else if (one.kind === 'begin') {
      answers.push(await login(sessionId));
      // The port is one that the login did not name.
      if (one.up > 0) total.port = `port ${now}`;
      const said = report({ ...one, kind: 'start' }, sessionId, total);
      last[one.session] = said;
      answers.push(await takeReport(engine, said));
    } else {
      if (one.kind === 'moved') total.port = `port ${now}`;
      total.up = Math.min(Math.max(0, total.up + one.up), AMOUNT_MAX);
      total.down = Math.min(Math.max(0, total.down + one.down), AMOUNT_MAX);
      total.seconds = Math.max(0, total.seconds + (one.seconds ?? 0));
      const said = report(one, sessionId, total);
      last[one.session] = said;
      answers.push(await takeReport(engine, said));
    }
  }
  return { answers, now };
}

const PLAIN_STEP: Step = {
  ...{ kind: 'interim', session: 0, afterMs: 60_000, delayMs: 0, up: 0, down: 0 },
  ...{ seconds: 60, silent: false, width: 64 },
};

const PLENTY: World = {
  ...{ octets: 1e15, money: 0, rate: 1_000, timed: false, capOctets: null, dayMs: 1e9 },
  ...{ endsAfterMs: null, expiresAfterMs: null, oneDevice: false },
};

/** A NAS is told that there is no limit any more: then no credit lifts one. */
const UNBOUND: Step[] = [
  { ...PLAIN_STEP, up: 1_000 },
  { ...PLAIN_STEP, kind: 'told', down: 1 },
  { ...PLAIN_STEP, up: 1_000 },
];

/** What may be used ends while the session goes on, which a rebuild left to be looked at later. */
const ENDING: World = { ...PLENTY, endsAfterMs: 1e9 };
const REBUILT: Step[] = [
  { ...PLAIN_STEP, up: 1_000 },
  { ...PLAIN_STEP, kind: 'rebuilt' },
  { ...PLAIN_STEP, up: 1_000 },
];

/** One session falls silent for longer than it counts, while another goes on. */
const SILENT: Step[] = [
  { ...PLAIN_STEP, session: 1, afterMs: 1_000_000 },
  { ...PLAIN_STEP, session: 1, afterMs: 1_000_000 },
  { ...PLAIN_STEP, afterMs: 0 },
];

/** Fair use counts past what 32 bits hold, and to where a day's cap is passed. */
const COUNTED: World = { ...PLENTY, rate: 100_000_000, capOctets: 10_000_000_001 };
const COUNTING: Step[] = [
  1_000, 4_000_000_000, 1_000, 1_000, 5_000_000_000, 1_500_000_000, 1_000,
].map((down) => ({ ...PLAIN_STEP, up: 1_000, down }));

/** A report of the day before comes when that is over. */
const OVERDUE: Step[] = [
  { ...PLAIN_STEP, down: 100_000 },
  { ...PLAIN_STEP, down: 100_000 },
  { ...PLAIN_STEP, afterMs: 1_100_000, delayMs: 120_000, down: 1_000 },
];

/** Sessions come and go: beside another, with nothing used, after a while, in the place of another. */
const LIVES: Step[] = [
  { ...PLAIN_STEP, up: 1_000 },
  { ...PLAIN_STEP, kind: 'stop', up: 1_000 },
  { ...PLAIN_STEP, kind: 'begin', afterMs: 0, silent: true },
  { ...PLAIN_STEP, kind: 'moved', up: 1_000 },
  { ...PLAIN_STEP, kind: 'stop', afterMs: 0, seconds: 0 },
  { ...PLAIN_STEP, kind: 'stop', session: 1, up: 1_000 },
  { ...PLAIN_STEP, kind: 'begin' },
  { ...PLAIN_STEP, kind: 'login', session: 1 },
  { ...PLAIN_STEP, kind: 'start', session: 1, seconds: 0 },
  { ...PLAIN_STEP, kind: 'start', session: 1 },
  { ...PLAIN_STEP, kind: 'stop', session: 1 },
  { ...PLAIN_STEP, kind: 'login' },
  { ...PLAIN_STEP, kind: 'start', afterMs: 100_000, seconds: 0 },
  { ...PLAIN_STEP, kind: 'begin', session: 1, afterMs: 2_000_000 },
  { ...PLAIN_STEP, kind: 'stop', session: 1 },
  { ...PLAIN_STEP, kind: 'again', session: 1 },
  { ...PLAIN_STEP, kind: 'login' },
  { ...PLAIN_STEP, kind: 'begin', session: 1, afterMs: 1, up: 1 },
  { ...PLAIN_STEP, kind: 'start', afterMs: 100_000, seconds: 0 },
];

/** A crowd of which one goes and another comes. */
const CROWD: Step[] = [
  ...Array.from({ length: 15 }, (): Step => ({ ...PLAIN_STEP, kind: 'begin', afterMs: 1 })),
  { ...PLAIN_STEP, kind: 'stop', session: 1, afterMs: 1 },
  { ...PLAIN_STEP, kind: 'begin', session: 1, afterMs: 1 },
];

/** Plays random reports both ways, and compares. @throws AssertionError where they differ. */
export function compareReports(ways: TwoWays, size: ComparisonSize): Promise<number> {
  return compareWays(ways, size, {
    ...{ world, step, stepsMax: 60, play },
    examples: [
      [PLENTY, UNBOUND],
      [ENDING, REBUILT],
      [PLENTY, SILENT],
      ...[
        {},
        { timed: true },
        { oneDevice: true },
        { capOctets: 200_000 },
        { endsAfterMs: 1e9 },
      ].map((other): [World, Step[]] => [{ ...PLENTY, ...other }, LIVES]),
      [PLENTY, CROWD],
      [COUNTED, COUNTING],
      [{ ...COUNTED, capOctets: 1e15, dayMs: 1_200_000 }, OVERDUE],
    ],
  });
}
