/** Turns a declared rate into the numbers of a rate line, or says why it can't be charged. */
import { ZERO, type Amount } from '../domain/amounts.js';
import type { UnitKind } from '../domain/units.js';
import type { PricedLine } from './charge.js';
import { exactMoney, exactPrice, largestTotal, SESSION_UNITS_MIN } from './exactness.js';
import type { FaultList } from './fault-list.js';
import type { Pulse, RateTier } from './rate-line.js';
import { TARIFF_LIMITS, type Price, type Rate, type UsageCounter } from './tariff.js';

export interface CompiledRate extends PricedLine {
  readonly id: string;
  readonly unit: UnitKind;
  readonly free: boolean;
  /** The counter's declaration, where tiers go by period. */
  readonly usageCounter: UsageCounter | null;
}

export interface RateSurroundings {
  readonly scale: number;
  /** Counter ids are the tariff's own: accounts keep them apart by this prefix. */
  readonly tariffCode: string;
  readonly counters: ReadonlyMap<string, UsageCounter>;
  readonly faults: FaultList;
}

type Place = { path: string; faults: FaultList };

/** Null where the rate has a fault; each is added to the list. */
export function compileRate(
  rate: Rate,
  path: string,
  { scale, tariffCode, counters, faults }: RateSurroundings,
): CompiledRate | null {
  const place = { path, faults };
  const pulses = compilePulses(rate, place);
  const tiers = compileTiers(rate, scale, place);
  const fee = moneyOf(rate, 'connectionFee', scale, place) ?? ZERO;
  const minimum = moneyOf(rate, 'minimumCharge', scale, place) ?? ZERO;
  const cap = moneyOf(rate, 'cap', scale, place);
  const counter = 'counter' in rate ? counters.get(rate.counter) : undefined;
  if ('counter' in rate) checkCounter(rate, counter, place);
  if (pulses === null || tiers === null) return null;
  checkBounds({ fee, minimum, cap }, place);
  const unitsMax = largestTotal(tiers, pulses, fee);
  if (unitsMax < SESSION_UNITS_MIN[rate.unit]) {
    faults.add(
      path,
      `only ${unitsMax} ${rate.unit} could be charged below 2^53 in one session, ` +
        `fewer than ${SESSION_UNITS_MIN[rate.unit]}`,
      'lower the price or the step, or give the currency fewer decimals',
    );
    return null;
  }
  return {
    id: rate.id,
    unit: rate.unit,
    pulses: Object.freeze(pulses),
    tiers: Object.freeze(tiers),
    counter: counter === undefined ? null : `${tariffCode}/${counter.id}`,
    usageCounter: counter ?? null,
    connectionFee: fee,
    minimumCharge: minimum,
    cap,
    unitsMax,
    free: cap === 0 || (tiers.every((tier) => tier.num === 0) && fee === 0 && minimum === 0),
  };
}

function compilePulses(rate: Rate, { path, faults }: Place): readonly Pulse[] | null {
  if ('slots' in rate) {
    const pulses = rate.slots.map((slot) => ({ from: slot.from, step: slot.step ?? 1 }));
    const sound = pulses.map((pulse, index) =>
      faults.checkWhole(`${path}.slots[${index}].step`, pulse.step, 1),
    );
    if (!sound.every(Boolean)) return null;
    for (const [index, pulse] of pulses.entries()) {
      const next = pulses[index + 1];
      if (next === undefined || (next.from - pulse.from) % pulse.step === 0) continue;
      faults.add(
        `${path}.slots[${index}].step`,
        `${next.from - pulse.from} units of the slot are no whole number of steps of ${pulse.step}`,
        'begin the next slot at the end of a step',
      );
      return null;
    }
    return pulses;
  }
  const step = rate.step ?? 1;
  const sound = [
    faults.checkWhole(`${path}.step`, step, 1),
    rate.firstStep === undefined || faults.checkWhole(`${path}.firstStep`, rate.firstStep, 1),
  ];
  if (!sound.every(Boolean)) return null;
  if (rate.firstStep === undefined || rate.firstStep === step) return [{ from: 0, step }];
  return [
    { from: 0, step: rate.firstStep },
    { from: rate.firstStep, step },
  ];
}

function compileTiers(rate: Rate, scale: number, place: Place): readonly RateTier[] | null {
  if ('price' in rate) {
    const price = exactPrice(rate.price, scale, { ...place, path: `${place.path}.price` });
    return price === null ? null : [{ from: 0, ...price }];
  }
  if ('slots' in rate)
    return compileSteps(rate.slots, scale, { ...place, path: `${place.path}.slots` });
  return compileSteps(rate.tiers, scale, { ...place, path: `${place.path}.tiers` });
}

function compileSteps(
  steps: readonly { readonly from: number; readonly price: Price }[],
  scale: number,
  { path, faults }: Place,
): readonly RateTier[] | null {
  faults.checkLength(path, steps.length, TARIFF_LIMITS.tiersMax);
  const tiers: RateTier[] = [];
  for (const [index, step] of steps.entries()) {
    const previous = steps[index - 1];
    const price = exactPrice(step.price, scale, { path: `${path}[${index}].price`, faults });
    const inOrder = previous === undefined ? step.from === 0 : step.from > previous.from;
    if (!inOrder || !Number.isSafeInteger(step.from)) {
      faults.add(
        `${path}[${index}].from`,
        `${step.from} does not follow ${previous?.from ?? 'the beginning'}`,
        'begin with 0 and rise, in whole units',
      );
      return null;
    }
    if (price !== null) tiers.push({ from: step.from, ...price });
  }
  if (steps.length === 0) faults.add(path, 'there is no price', 'name at least one, from 0');
  return tiers.length === steps.length && tiers.length > 0 ? tiers : null;
}

function moneyOf(
  rate: Rate,
  key: 'connectionFee' | 'minimumCharge' | 'cap',
  scale: number,
  { path, faults }: Place,
): Amount | null {
  const text = rate[key];
  return text === undefined ? null : exactMoney(text, scale, { path: `${path}.${key}`, faults });
}

function checkCounter(
  rate: Extract<Rate, { counter: string }>,
  counter: UsageCounter | undefined,
  { path, faults }: Place,
): void {
  if (counter === undefined) {
    faults.add(
      `${path}.counter`,
      `there is no counter "${rate.counter}"`,
      'declare it in counters',
    );
  } else if (counter.unit !== rate.unit) {
    faults.add(
      `${path}.counter`,
      `the counter "${counter.id}" counts ${counter.unit}, the rate prices ${rate.unit}`,
      'use a counter of the same unit',
    );
  }
}

function checkBounds(
  { fee, minimum, cap }: { fee: Amount; minimum: Amount; cap: Amount | null },
  { path, faults }: Place,
): void {
  if (cap === null || (cap >= fee && cap >= minimum)) return;
  faults.add(
    `${path}.cap`,
    'the cap is below the connection fee or the minimum charge',
    'raise the cap, or lower the other',
  );
}
