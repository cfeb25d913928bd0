/** The walk over buckets: who gives what for so many units. It changes nothing. */
import type { ChargeWindow } from '../../src/charging/charge-request.js';
import { pay, payable, roundedUp, type Meter } from './price.js';
import type { Account, Bucket, Service } from './state.js';

/** What a run of money buckets counts as having, at the most. */
const MONEY_MAX = 2 ** 52;

export interface Take {
  readonly bucket: Bucket;
  readonly amount: number;
  readonly units: number;
}

export interface Walk {
  readonly takes: readonly Take[];
  readonly covered: number;
  /** Where money moved: the service's totals afterwards. */
  readonly meter: Meter | null;
}

export interface WalkQuestion {
  readonly buckets: readonly Bucket[];
  /** What each of them may give. */
  readonly free: (bucket: Bucket) => number;
  /** Whose counters price the units. */
  readonly account: Account;
  readonly service: Service;
  readonly window: ChargeWindow | null;
  readonly units: number;
  /** Where set: money also pays for the rest of its step, up to so many units in all. */
  readonly most: number | null;
}

export function walk(question: WalkQuestion): Walk {
  const { buckets, free, service, window, units, most } = question;
  // A price of nothing, and what is not chargeable, touch no bucket.
  if (window !== null && window.kind !== 'charged') {
    return { takes: [], covered: units, meter: null };
  }
  const takes: Take[] = [];
  let covered = 0;
  let meter: Meter | null = null;
  let place = 0;
  while (place < buckets.length && covered < units) {
    const bucket = buckets[place];
    if (bucket === undefined) break;
    if (bucket.kind === 'units') {
      const take = takeUnits(bucket, free(bucket), service, units - covered);
      if (take.units > 0) takes.push(take);
      covered += take.units;
      place += 1;
      if (bucket.blocker) break;
      continue;
    }
    if (window === null) throw new Error('money pays for nothing without a price');
    // Neighbouring money buckets pay as one, so that a step may be split between them.
    const run = moneyRun(buckets, place);
    meter ??= meterOf(question.account, service, window);
    const wanted =
      most === null
        ? units - covered
        : Math.min(restOfStep(window, meter, units - covered), most - covered);
    const money = Math.min(
      MONEY_MAX,
      run.reduce((sum, each) => sum + free(each), 0),
    );
    const bought = Number(payable(window.line, meter, BigInt(wanted), BigInt(money)));
    if (bought > 0) {
      const after = pay(window.line, meter, BigInt(bought));
      takes.push(...spread(run, free, Number(after.cost - meter.cost), bought));
      meter = after;
      covered += bought;
    }
    place += run.length;
    if (run.at(-1)?.blocker === true) break;
  }
  return { takes, covered, meter };
}

/** Whole steps where the bucket has one, counted over the service's use of it in the session. */
function takeUnits(bucket: Bucket, free: number, service: Service, wanted: number): Take {
  const { step } = bucket;
  const before = service.steps.get(bucket.id) ?? 0;
  const upTo = (total: number): number => Math.ceil(total / step) * step;
  const paid = step > 1 ? upTo(before) - before : 0;
  const units = Math.min(wanted, paid + (step > 1 ? Math.floor(free / step) * step : free));
  const amount = step > 1 ? upTo(before + units) - upTo(before) : units;
  return { bucket, amount, units };
}

function moneyRun(buckets: readonly Bucket[], place: number): readonly Bucket[] {
  const run: Bucket[] = [];
  for (const bucket of buckets.slice(place)) {
    if (bucket.kind !== 'money') break;
    run.push(bucket);
    if (bucket.blocker) break;
  }
  return run;
}

/** What each of a run pays; the first that does carries the units. */
function spread(
  run: readonly Bucket[],
  free: (bucket: Bucket) => number,
  cost: number,
  units: number,
): readonly Take[] {
  const [first] = run;
  if (cost === 0 && first !== undefined) return [{ bucket: first, amount: 0, units }];
  const takes: Take[] = [];
  let left = cost;
  for (const bucket of run) {
    const amount = Math.min(left, free(bucket));
    if (amount <= 0) continue;
    takes.push({ bucket, amount, units: takes.length === 0 ? units : 0 });
    left -= amount;
  }
  return takes;
}

function restOfStep(window: ChargeWindow, meter: Meter, units: number): number {
  return Number(roundedUp(window.line, meter.units + BigInt(units)) - meter.units);
}

export function meterOf(account: Account, service: Service, window: ChargeWindow): Meter {
  const { line, periodStartMs } = window;
  const kept = service.lines.get(line.id);
  const counter = line.counter === null ? undefined : account.counters.get(line.counter);
  return {
    units: kept?.units ?? 0n,
    billed: kept?.billed ?? [],
    counter: counter?.periodStartMs === periodStartMs ? BigInt(counter.units) : 0n,
    gross: service.gross,
    cost: service.cost,
    opened: service.opened,
  };
}

export function keepMeter(
  account: Account,
  service: Service,
  window: ChargeWindow,
  meter: Meter,
): void {
  const { line, periodStartMs } = window;
  service.lines.set(line.id, { units: meter.units, billed: meter.billed });
  service.gross = meter.gross;
  service.cost = meter.cost;
  service.opened = meter.opened;
  if (line.counter !== null) {
    account.counters.set(line.counter, { periodStartMs, units: Number(meter.counter) });
  }
}
