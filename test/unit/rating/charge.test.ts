import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AmountRangeError,
  AMOUNT_MAX,
  toAmount,
  ZERO,
  type Amount,
} from '../../../src/domain/amounts.js';
import {
  affordable,
  billedUnits,
  charge,
  chargeFor,
  enterLine,
  NOTHING_CHARGED,
  priceOf,
  unitsFor,
  type ChargeState,
  type PricedLine,
} from '../../../src/rating/charge.js';
import { largestTotal } from '../../../src/rating/exactness.js';
import { billedByDefinition, ceilDiv, costByDefinition } from './charge-reference.js';

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** Fractions from everyday ones to those whose num * den is just below 2^53. */
const fraction = fc
  .oneof(
    fc.tuple(fc.nat(2_000), fc.integer({ min: 1, max: 2_000 })),
    fc.tuple(fc.nat(94_906_265), fc.integer({ min: 1, max: 94_906_265 })),
    fc.integer({ min: 1, max: 2 ** 26 }).map((den) => [Math.floor((2 ** 53 - 1) / den), den]),
  )
  .map(([num, den]) => ({ num: num ?? 0, den: den ?? 1 }));

const step = fc.oneof(fc.constantFrom(1, 10, 30, 60, 1024), fc.integer({ min: 1, max: 100_000 }));
const lengths = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 3 });
const money = fc.oneof(fc.constant(0), fc.nat(5_000_000));

function completed(
  shape: Pick<PricedLine, 'pulses' | 'tiers' | 'counter'>,
  extras: { fee: number; minimum: number; cap: number | null },
): PricedLine {
  const connectionFee = toAmount(extras.fee);
  const minimumCharge = toAmount(extras.minimum);
  const cap =
    extras.cap === null ? null : toAmount(Math.max(extras.cap, connectionFee, minimumCharge));
  const unitsMax = largestTotal(shape.tiers, shape.pulses, connectionFee);
  return { ...shape, connectionFee, minimumCharge, cap, unitsMax };
}

const extras = fc.record({ fee: money, minimum: money, cap: fc.option(money) });

/** Flat prices with a step and perhaps a first one. */
const flatLine = fc.record({ price: fraction, step, first: fc.option(step), extras }).map((draw) =>
  completed(
    {
      pulses:
        draw.first === null
          ? [{ from: 0, step: draw.step }]
          : [
              { from: 0, step: draw.first },
              { from: draw.first, step: draw.step },
            ],
      tiers: [{ from: 0, ...draw.price }],
      counter: null,
    },
    draw.extras,
  ),
);

/** Prices and steps by the units of the session: each slot a whole number of its steps. */
const slotLine = fc
  .record({
    slots: fc.array(fc.record({ price: fraction, step, steps: fc.integer({ min: 1, max: 50 }) }), {
      minLength: 1,
      maxLength: 4,
    }),
    extras,
  })
  .map((draw) => {
    let from = 0;
    const slots = draw.slots.map((slot) => {
      const begin = from;
      from += slot.step * slot.steps;
      return { ...slot, from: begin };
    });
    return completed(
      {
        pulses: slots.map((slot) => ({ from: slot.from, step: slot.step })),
        tiers: slots.map((slot) => ({ from: slot.from, ...slot.price })),
        counter: null,
      },
      draw.extras,
    );
  });

/** Prices by a period counter. */
const counterLine = fc
  .record({ first: fraction, lengths, prices: fc.array(fraction, { minLength: 3 }), step, extras })
  .map((draw) => {
    let from = 0;
    const tiers = [{ from, ...draw.first }];
    for (const [index, length] of draw.lengths.entries()) {
      from += length * 1_000;
      tiers.push({ from, ...(draw.prices[index] ?? draw.first) });
    }
    return completed(
      { pulses: [{ from: 0, step: draw.step }], tiers, counter: 't/c' },
      draw.extras,
    );
  });

const line = fc.oneof(flatLine, slotLine, counterLine);
const units = fc.oneof(fc.nat(300), fc.nat(1_000_000), fc.nat({ max: Number.MAX_SAFE_INTEGER }));
const counter = fc.oneof(fc.constant(0), fc.nat(150_000)).map(toAmount);

function within(priced: PricedLine, wanted: number): Amount {
  return toAmount(Math.min(wanted, priced.unitsMax));
}

function slices(priced: PricedLine, start: ChargeState, cuts: readonly number[]): ChargeState {
  let state = start;
  for (const cut of cuts) {
    state = charge(priced, state, within({ ...priced, unitsMax: room(priced, state) }, cut));
  }
  return state;
}

function room(priced: PricedLine, state: ChargeState): Amount {
  return toAmount(priced.unitsMax - state.units);
}

describe('priceOf', () => {
  it('equals the ceiled rational for every total whose price is below 2^53', () => {
    fc.assert(
      fc.property(fraction, fc.maxSafeNat(), ({ num, den }, total) => {
        const exact = ceilDiv(BigInt(total) * BigInt(num), BigInt(den));
        fc.pre(exact <= SAFE);
        expect(BigInt(priceOf({ num, den }, total))).toBe(exact);
      }),
      { numRuns: 5_000 },
    );
  });

  it('floors and ceils quotients of doubles exactly up to 2^53 - 1', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 30 }),
        fc.integer({ min: -2, max: 2 }),
        (b, off) => {
          const a = Math.floor((2 ** 53 - 4) / b) * b + off;
          fc.pre(a >= 0 && a <= Number.MAX_SAFE_INTEGER);
          expect(BigInt(Math.floor(a / b))).toBe(BigInt(a) / BigInt(b));
          expect(BigInt(Math.ceil(a / b))).toBe(ceilDiv(BigInt(a), BigInt(b)));
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

describe('billedUnits', () => {
  it('rounds up as the definition does', () => {
    fc.assert(
      fc.property(line, fc.nat(2 ** 50), (priced, total) => {
        expect(BigInt(billedUnits(priced, total))).toBe(billedByDefinition(priced, BigInt(total)));
      }),
    );
  });
});

describe('charge', () => {
  it('equals the definition in rationals', () => {
    fc.assert(
      fc.property(line, units, counter, (priced, wanted, used) => {
        const total = within(priced, wanted);
        const exact = costByDefinition(priced, BigInt(total), BigInt(used));
        expect(BigInt(chargeFor(priced, total, used))).toBe(exact);
      }),
      { numRuns: 3_000 },
    );
  });

  it('costs the same however the usage is cut into reports', () => {
    fc.assert(
      fc.property(line, fc.array(units, { maxLength: 12 }), counter, (priced, cuts, used) => {
        const state = slices(priced, { ...NOTHING_CHARGED, counter: used }, cuts);
        const once = charge(priced, { ...NOTHING_CHARGED, counter: used }, state.units);
        expect(state).toEqual(once);
      }),
      { numRuns: 2_000 },
    );
  });

  it('never falls when units are added', () => {
    fc.assert(
      fc.property(line, units, units, counter, (priced, first, more, used) => {
        const less = within(priced, Math.min(first, more));
        const rest = within(priced, Math.max(first, more));
        expect(chargeFor(priced, less, used)).toBeLessThanOrEqual(chargeFor(priced, rest, used));
      }),
    );
  });

  it('charges nothing and opens nothing for no units', () => {
    fc.assert(
      fc.property(line, (priced) => {
        expect(charge(priced, NOTHING_CHARGED, ZERO)).toBe(NOTHING_CHARGED);
      }),
    );
  });

  it('refuses a total beyond what can be charged exactly', () => {
    const priced = completed(
      { pulses: [{ from: 0, step: 1 }], tiers: [{ from: 0, num: 1_000, den: 1 }], counter: null },
      { fee: 0, minimum: 0, cap: 1 },
    );
    expect(() => chargeFor(priced, priced.unitsMax)).not.toThrow();
    expect(() => chargeFor(priced, toAmount(priced.unitsMax + 1))).toThrow(/2\^53 - 1/);
  });

  it('stays exact up to the largest total however the tiers round', () => {
    const priced = completed(
      {
        pulses: [{ from: 0, step: 1 }],
        tiers: [0, 1, 2, 3].map((from) => ({ from, num: 3, den: 2 })),
        counter: 't/c',
      },
      { fee: 0, minimum: 0, cap: null },
    );
    for (const less of [0, 1]) {
      const total = toAmount(priced.unitsMax - less);
      expect(BigInt(chargeFor(priced, total))).toBe(costByDefinition(priced, BigInt(total)));
    }
  });

  it('moves the counter by billed units, shared by the sessions that use it', () => {
    const priced = completed(
      {
        pulses: [{ from: 0, step: 10 }],
        tiers: [
          { from: 0, num: 5, den: 1 },
          { from: 100, num: 2, den: 1 },
        ],
        counter: 't/month',
      },
      { fee: 0, minimum: 0, cap: null },
    );
    const first = charge(priced, NOTHING_CHARGED, toAmount(45));
    expect(first).toMatchObject({ cost: 250, counter: 50, billed: [50, 0] });
    const other = charge(priced, { ...NOTHING_CHARGED, counter: first.counter }, toAmount(41));
    expect(other).toMatchObject({ cost: 250, counter: 100 });
    const again = charge(priced, { ...first, counter: other.counter }, toAmount(6));
    expect(again).toMatchObject({ cost: 270, counter: 110, billed: [50, 10] });
  });
});

describe('charge over several lines of one service', () => {
  const plain = { pulses: [{ from: 0, step: 1 }], counter: null };
  const flat = (num: number, more: { fee?: number; minimum?: number; cap?: number }): PricedLine =>
    completed(
      { ...plain, tiers: [{ from: 0, num, den: 1 }] },
      { fee: more.fee ?? 0, minimum: more.minimum ?? 0, cap: more.cap ?? null },
    );

  it('takes the connection fee of the line that opens the service, once', () => {
    const day = charge(flat(3, { fee: 200 }), NOTHING_CHARGED, toAmount(10));
    const night = charge(flat(1, { fee: 100 }), enterLine(day), toAmount(10));
    expect([day.cost, night.cost]).toEqual([230, 240]);
  });

  it('holds the whole service to the cap of the line in force', () => {
    const day = charge(flat(3, {}), NOTHING_CHARGED, toAmount(10));
    const night = charge(flat(3, { cap: 45 }), enterLine(day), toAmount(10));
    expect([day.cost, night.cost]).toEqual([30, 45]);
  });

  it('takes nothing back where a later line has a cap below the cost so far', () => {
    const day = charge(flat(3, {}), NOTHING_CHARGED, toAmount(10));
    const night = charge(flat(3, { cap: 20 }), enterLine(day), toAmount(10));
    const morning = charge(flat(3, {}), enterLine(night), toAmount(1));
    expect([day.cost, night.cost, morning.cost]).toEqual([30, 30, 33]);
  });

  it('does not charge later what a cap once let go', () => {
    const capped = charge(flat(3, { cap: 20 }), NOTHING_CHARGED, toAmount(10));
    const open = charge(flat(3, {}), enterLine(capped), toAmount(1));
    expect([capped.cost, open.cost]).toEqual([20, 23]);
  });

  it('lets the minimum charge be used up under the next line', () => {
    const day = charge(flat(3, { minimum: 50 }), NOTHING_CHARGED, toAmount(10));
    const night = charge(flat(3, {}), enterLine(day), toAmount(6));
    const more = charge(flat(3, {}), night, toAmount(1));
    expect([day.cost, night.cost, more.cost]).toEqual([50, 50, 51]);
  });
});

describe('affordable', () => {
  it('is the largest number of units that the money pays for', () => {
    fc.assert(
      fc.property(line, fc.maxSafeNat(), counter, (priced, purse, used) => {
        const bought = unitsFor(priced, toAmount(purse), used);
        expect(costByDefinition(priced, BigInt(bought), BigInt(used))).toBeLessThanOrEqual(
          BigInt(purse),
        );
        if (bought >= priced.unitsMax) return;
        expect(costByDefinition(priced, BigInt(bought) + 1n, BigInt(used))).toBeGreaterThan(
          BigInt(purse),
        );
      }),
      { numRuns: 3_000 },
    );
  });

  /** Null where the state passes 2^53. */
  function stateAfter(work: () => ChargeState): ChargeState | null {
    try {
      return work();
    } catch (error) {
      if (error instanceof AmountRangeError) return null;
      throw error;
    }
  }

  /** A cost beyond 2^53 is more than any purse holds. */
  function costOfNext(...next: Parameters<typeof charge>): number {
    return stateAfter(() => charge(...next))?.cost ?? Infinity;
  }

  it('is the largest from any state a service has come to, another line before included', () => {
    fc.assert(
      fc.property(
        fc.tuple(line, line),
        fc.array(units, { maxLength: 4 }),
        fc.array(fc.nat(100_000), { maxLength: 4 }),
        fc.nat(10_000_000),
        counter,
        ([before, priced], cutsBefore, cuts, purse, used) => {
          const state = stateAfter(() => {
            const left = slices(
              before,
              NOTHING_CHARGED,
              cutsBefore.map((cut) => cut % 100_000),
            );
            return slices(priced, enterLine(left, used), cuts);
          });
          // What two lines cost together can pass 2^53; no service comes to such a state.
          if (state === null) return;
          const bought = affordable(priced, state, toAmount(purse));
          const limit = state.cost + purse;
          expect(charge(priced, state, bought).cost).toBeLessThanOrEqual(limit);
          if (state.units + bought >= priced.unitsMax) return;
          expect(costOfNext(priced, state, toAmount(bought + 1))).toBeGreaterThan(limit);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('gives everything that is left once the cap is reached', () => {
    const priced = completed(
      { pulses: [{ from: 0, step: 1 }], tiers: [{ from: 0, num: 10, den: 1 }], counter: null },
      { fee: 0, minimum: 0, cap: 62 },
    );
    const state = charge(priced, NOTHING_CHARGED, toAmount(7));
    expect(state.cost).toBe(62);
    expect(affordable(priced, state, ZERO)).toBe(priced.unitsMax - 7);
  });

  it('gives the rest of a step that is paid for, and no more, without money', () => {
    const priced = completed(
      { pulses: [{ from: 0, step: 60 }], tiers: [{ from: 0, num: 10, den: 1 }], counter: null },
      { fee: 0, minimum: 0, cap: null },
    );
    const state = charge(priced, NOTHING_CHARGED, toAmount(1));
    expect(affordable(priced, state, ZERO)).toBe(59);
  });

  it('gives nothing where the money is below the fee or the minimum', () => {
    const shape = {
      pulses: [{ from: 0, step: 1 }],
      tiers: [{ from: 0, num: 0, den: 1 }],
      counter: null,
    };
    const fee = completed(shape, { fee: 10, minimum: 0, cap: null });
    const minimum = completed(shape, { fee: 0, minimum: 10, cap: null });
    for (const priced of [fee, minimum]) {
      expect(unitsFor(priced, toAmount(9))).toBe(0);
      expect(unitsFor(priced, toAmount(10))).toBe(AMOUNT_MAX);
    }
  });

  it('treats a negative purse as an empty one', () => {
    const priced = completed(
      { pulses: [{ from: 0, step: 1 }], tiers: [{ from: 0, num: 10, den: 1 }], counter: null },
      { fee: 0, minimum: 0, cap: null },
    );
    expect(unitsFor(priced, toAmount(-5))).toBe(0);
  });
});
