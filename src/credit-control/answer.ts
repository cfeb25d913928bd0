/** What the engine decided, in the words the fronts answer with. */
import type { ChargedService } from '../charging/charge-outcome.js';
import { toAmount } from '../domain/amounts.js';
import type { Money, ServiceOutcome } from '../domain/credit-control.js';
import type { CompiledCatalog } from '../rating/catalog.js';
import type { RatedLines } from '../rating/rate-line.js';
import type { PreparedService } from './rated-service.js';

export interface AnswerContext {
  readonly catalog: CompiledCatalog;
  readonly tenant: string;
  readonly terminates: boolean;
}

/** The outcome of one service; `charged` is null where the engine was not asked. */
export function answerService(
  { request, rated }: PreparedService,
  charged: ChargedService | null,
  context: AnswerContext,
): ServiceOutcome {
  const head = {
    ratingGroup: request.ratingGroup,
    serviceIdentifiers: request.serviceIdentifiers,
  };
  if (rated.result === 'barred') return { ...head, result: 'authorization-rejected' };
  if (rated.result !== 'lines' && rated.result !== 'money') {
    return { ...head, result: rated.result };
  }
  if (charged === null) return { ...head, result: 'settled' };
  const cost = costOf(charged, rated.currency, context);
  const { result } = charged;
  if (rated.result === 'money') return { ...head, result, ...cost };
  if (result === 'rating-failed' && rated.barredOutside) {
    return { ...head, result: 'authorization-rejected', ...cost };
  }
  if (result === 'granted') {
    return { ...head, result, ...grantOf(charged, rated), ...cost };
  }
  if (result === 'credit-limit-reached') {
    // With a way out of credit the gateway is told where to send the user [RFC 8506 5.6].
    const { finalUnit } = rated;
    return finalUnit.action === 'terminate'
      ? { ...head, result, ...cost }
      : { ...head, result, finalUnit, validitySeconds: rated.quota.validitySeconds, ...cost };
  }
  // A gateway that asked for nothing now is still told when to come back.
  if (result === 'settled' && !context.terminates) {
    return { ...head, result, validitySeconds: rated.quota.validitySeconds, ...cost };
  }
  return { ...head, result, ...cost };
}

function grantOf(
  charged: ChargedService,
  rated: RatedLines,
): Omit<ServiceOutcome, 'result' | 'ratingGroup' | 'serviceIdentifiers'> {
  const { quota } = rated;
  const threshold = Math.floor((charged.granted * quota.thresholdPercent) / 100);
  return {
    granted: { unit: rated.unit, amount: charged.granted },
    validitySeconds: charged.validitySeconds,
    ...(charged.tariffChangeAt === null ? {} : { tariffChangeAt: charged.tariffChangeAt }),
    ...(charged.last === 'final' ? { finalUnit: rated.finalUnit } : {}),
    ...(threshold > 0 && charged.last !== 'final' ? { quotaThreshold: toAmount(threshold) } : {}),
    ...(quota.holdingSeconds === null ? {} : { quotaHoldingSeconds: quota.holdingSeconds }),
    ...(quota.consumptionSeconds === null || rated.unit !== 'seconds'
      ? {}
      : { quotaConsumptionSeconds: quota.consumptionSeconds }),
    ...(quota.pool === null ? {} : { pool: quota.pool }),
  };
}

function costOf(
  charged: ChargedService,
  currency: RatedLines['currency'],
  { catalog, tenant }: AnswerContext,
): { readonly cost: Money } {
  const resource = charged.currency ?? currency.code;
  const scale = catalog.resource(tenant, resource)?.scale ?? currency.scale;
  return { cost: { amount: charged.cost, resource, scale } };
}
