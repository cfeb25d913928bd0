/** One-time events that change nothing: is there enough, and what would it cost [RFC 8506 6]. */
import type { ChargeRequest } from '../charging/charge-request.js';
import { enquire } from '../charging/charge.js';
import type { Engine } from '../charging/engine.js';
import { addAmounts, ZERO, type Amount } from '../domain/amounts.js';
import type { CreditControlOutcome, Money } from '../domain/credit-control.js';
import { chargeFor } from '../rating/charge.js';
import { refusalOf, type PreparedService } from './rated-service.js';

/**
 * Whether the balances cover what the event names. Null where the profile was a stale copy.
 * @throws EngineUnavailableError
 */
export async function checkBalance(
  engine: Engine,
  request: ChargeRequest,
): Promise<CreditControlOutcome | null> {
  const outcome = await enquire(engine, request);
  if (outcome.kind === 'refused') {
    const stale = ['stale-profile', 'unknown-account', 'moved'].includes(outcome.refusal);
    if (stale) return null;
    const { refusal } = outcome;
    const denied = refusal === 'service-denied' || refusal === 'authorization-rejected';
    const detail = `the engine answered ${refusal}`;
    return { kind: 'refused', refusal: denied ? refusal : 'unavailable', detail };
  }
  const enoughCredit = request.services.every(
    ({ used }, index) => (outcome.covered[index] ?? ZERO) >= used,
  );
  return { kind: 'answered', repeated: false, services: [], lowBalance: false, enoughCredit };
}

/** What the event would cost by the tariff in force, allowances left aside. */
export function enquirePrice(
  prepared: readonly PreparedService[],
  at: number,
): CreditControlOutcome {
  const prices: Amount[] = [];
  let currency: Omit<Money, 'amount'> | null = null;
  for (const { rated, charge } of prepared) {
    if (rated.result === 'not-chargeable') continue;
    const refusal = refusalOf(rated) ?? 'rating-failed';
    const window = charge?.windows.find(({ fromMs, untilMs }) => fromMs <= at && at < untilMs);
    if (!('currency' in rated) || charge === null || window === undefined) {
      return { kind: 'refused', refusal, detail: 'a service has no price, or is barred' };
    }
    currency ??= { resource: rated.currency.code, scale: rated.currency.scale };
    if (currency.resource !== rated.currency.code) {
      return { kind: 'refused', refusal: 'rating-failed', detail: 'prices in two currencies' };
    }
    prices.push(chargeFor(window.line, charge.used));
  }
  const answered = { kind: 'answered', repeated: false, services: [], lowBalance: false } as const;
  if (currency === null) return answered;
  return { ...answered, cost: { amount: addAmounts(ZERO, ...prices), ...currency } };
}
