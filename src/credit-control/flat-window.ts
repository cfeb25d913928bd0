/** Prices that no tariff declares: nothing at all, or an amount that the peer itself names. */
import type { ChargeWindow } from '../charging/charge-request.js';
import { AMOUNT_MAX, ZERO } from '../domain/amounts.js';

/** For ever `price` of a currency's smallest unit for each unit: 0 for what is only recorded. */
export function flatWindow(id: string, currency: string, price: 0 | 1): ChargeWindow {
  return {
    fromMs: 0,
    untilMs: Number.MAX_SAFE_INTEGER,
    currency,
    line: {
      id,
      pulses: [{ from: 0, step: 1 }],
      tiers: [{ from: 0, num: price, den: 1 }],
      counter: null,
      connectionFee: ZERO,
      minimumCharge: ZERO,
      cap: null,
      unitsMax: AMOUNT_MAX,
    },
    periodStartMs: 0,
    kind: price === 0 ? 'free' : 'charged',
    label: `${id} `,
  };
}

/** What is recorded and costs nothing. */
export const FREE_WINDOW = flatWindow('free', '', 0);
