/** What the charge scripts answered, read from their replies (docs/charging.md). */
import type { Amount } from '../domain/amounts.js';
import { bytesOf, EngineReplyError, statusOf } from './engine.js';
import * as layout from './generated/layout.js';
import { unpack, unpackBytes, type Unpacked } from './packing.js';
import type { ScriptReply } from './script-loader.js';
import {
  asAmount,
  asArray,
  asBytes,
  asNumber,
  asText,
  asTextOrNull,
  asTimeOrNull,
} from './unpacked.js';

export interface ChargedService {
  readonly key: string;
  readonly result:
    | 'settled'
    | 'granted'
    | 'credit-limit-reached'
    | 'service-denied'
    /** The account is closed. */
    | 'authorization-rejected'
    | 'superseded'
    | 'rating-failed'
    | 'not-chargeable';
  readonly granted: Amount;
  readonly validitySeconds: number;
  /** Whether these are the last units: none, `final`, or `shared` while others hold some. */
  readonly last: 'no' | 'final' | 'shared';
  /** Money the service has cost in the session so far. */
  readonly cost: Amount;
  readonly currency: string | null;
  /** When the tariff changes inside the validity time, ms since 1970; null where it doesn't. */
  readonly tariffChangeAt: number | null;
}

export const CHARGE_REFUSALS = [
  'fenced',
  'newer-state',
  'unknown-account',
  'stale-profile',
  /** The account is on its way to another partition, or there already. */
  'moved',
  'unknown-session',
  'conflict',
  'stale-number',
  'service-denied',
  'authorization-rejected',
  /** A report that would carry a service's total past 2^53 - 1. */
  'amount-out-of-range',
] as const;
export type ChargeRefusal = (typeof CHARGE_REFUSALS)[number];

export type ChargeOutcome =
  | {
      readonly kind: 'answered';
      /** The request had been answered before: this is that answer. */
      readonly repeated: boolean;
      /** The script's clock when it was first answered. */
      readonly at: number;
      readonly services: readonly ChargedService[];
      /** Whether what the account has has fallen to a level that its subscriber is told of. */
      readonly lowBalance: boolean;
    }
  | { readonly kind: 'refused'; readonly refusal: ChargeRefusal }
  /** The session lives on another account, to which its route leads. */
  | { readonly kind: 'other-account'; readonly accountId: string };

export type EnquiryOutcome =
  /** Units covered, in the order of the services, each as if it came alone. */
  | { readonly kind: 'enquired'; readonly covered: readonly Amount[] }
  | { readonly kind: 'refused'; readonly refusal: ChargeRefusal };

export function outcomeOf(reply: ScriptReply): ChargeOutcome {
  const status = statusOf(reply);
  switch (status) {
    case layout.REPLY_DONE:
    case layout.REPLY_REPEATED: {
      const [, , answer] = asArray(unpackBytes(bytesOf(reply, 1)));
      const [at, services, low] = asArray(unpack(asBytes(answer)));
      return {
        kind: 'answered',
        repeated: status === layout.REPLY_REPEATED,
        at: asNumber(at),
        services: asArray(services).map(chargedService),
        lowBalance: low === true,
      };
    }
    case layout.REPLY_OTHER_ACCOUNT:
      return { kind: 'other-account', accountId: bytesOf(reply, 1).toString('utf8') };
    default:
      return { kind: 'refused', refusal: refusalOf(status) };
  }
}

export function refusalOf(status: number): ChargeRefusal {
  const refusal = REFUSALS.get(status);
  if (refusal === undefined) throw new EngineReplyError(`charge replied status ${status}`);
  return refusal;
}

const REFUSALS: ReadonlyMap<number, ChargeRefusal> = new Map([
  [layout.REPLY_FENCED, 'fenced'],
  [layout.REPLY_NEWER_STATE, 'newer-state'],
  [layout.REPLY_UNKNOWN_ACCOUNT, 'unknown-account'],
  [layout.REPLY_STALE_PROFILE, 'stale-profile'],
  [layout.REPLY_MOVED, 'moved'],
  [layout.REPLY_UNKNOWN_SESSION, 'unknown-session'],
  [layout.REPLY_CONFLICT, 'conflict'],
  [layout.REPLY_STALE_NUMBER, 'stale-number'],
  [layout.REPLY_SERVICE_DENIED, 'service-denied'],
  [layout.REPLY_AUTHORIZATION_REJECTED, 'authorization-rejected'],
  [layout.REPLY_AMOUNT_RANGE, 'amount-out-of-range'],
]);

const RESULTS: ReadonlyMap<number, ChargedService['result']> = new Map([
  [layout.RESULT_SETTLED, 'settled'],
  [layout.RESULT_GRANTED, 'granted'],
  [layout.RESULT_CREDIT_LIMIT, 'credit-limit-reached'],
  [layout.RESULT_SERVICE_DENIED, 'service-denied'],
  [layout.RESULT_AUTHORIZATION_REJECTED, 'authorization-rejected'],
  [layout.RESULT_SUPERSEDED, 'superseded'],
  [layout.RESULT_RATING_FAILED, 'rating-failed'],
  [layout.RESULT_NOT_CHARGEABLE, 'not-chargeable'],
]);

const LAST = ['no', 'final', 'shared'] as const;

function chargedService(packed: Unpacked): ChargedService {
  const [key, code, granted, validity, last, cost, currency, changeAt] = asArray(packed);
  const result = RESULTS.get(asNumber(code));
  if (result === undefined) throw new EngineReplyError(`charge answered result ${String(code)}`);
  return {
    key: asText(key),
    result,
    granted: asAmount(granted),
    validitySeconds: asNumber(validity),
    last: LAST[asNumber(last)] ?? 'no',
    cost: asAmount(cost),
    currency: asTextOrNull(currency),
    tariffChangeAt: asTimeOrNull(changeAt),
  };
}
