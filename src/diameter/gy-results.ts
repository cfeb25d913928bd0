/** What was decided, as Result-Codes: one table for commands, one for services [RFC 8506 9]. */
import type { Refusal, ServiceResult } from '../domain/credit-control.js';
import { ResultCode } from './generated/enumerations.js';

/** A refused request: nothing was changed, and the whole command says so. */
export const REFUSAL_CODES: Readonly<Record<Refusal, number>> = {
  'unknown-subscriber': ResultCode.DIAMETER_USER_UNKNOWN,
  'unknown-session': ResultCode.DIAMETER_UNKNOWN_SESSION_ID,
  'service-denied': ResultCode.DIAMETER_END_USER_SERVICE_DENIED,
  'authorization-rejected': ResultCode.DIAMETER_AUTHORIZATION_REJECTED,
  'rating-failed': ResultCode.DIAMETER_RATING_FAILED,
  'credit-limit-reached': ResultCode.DIAMETER_CREDIT_LIMIT_REACHED,
  'conflicting-duplicate': ResultCode.DIAMETER_UNABLE_TO_COMPLY,
  'stale-request-number': ResultCode.DIAMETER_UNABLE_TO_COMPLY,
  'session-closed': ResultCode.DIAMETER_UNKNOWN_SESSION_ID,
  'invalid-request': ResultCode.DIAMETER_UNABLE_TO_COMPLY,
  // Protocol errors: the gateway, or a relay before us, turns to another node [RFC 6733 7.1.3].
  overloaded: ResultCode.DIAMETER_TOO_BUSY,
  unavailable: ResultCode.DIAMETER_TOO_BUSY,
};

/** What one service got, inside its Multiple-Services-Credit-Control. */
export const SERVICE_CODES: Readonly<Record<ServiceResult, number>> = {
  granted: ResultCode.DIAMETER_SUCCESS,
  settled: ResultCode.DIAMETER_SUCCESS,
  superseded: ResultCode.DIAMETER_SUCCESS,
  'credit-limit-reached': ResultCode.DIAMETER_CREDIT_LIMIT_REACHED,
  'not-chargeable': ResultCode.DIAMETER_CREDIT_CONTROL_NOT_APPLICABLE,
  'rating-failed': ResultCode.DIAMETER_RATING_FAILED,
  'service-denied': ResultCode.DIAMETER_END_USER_SERVICE_DENIED,
  'authorization-rejected': ResultCode.DIAMETER_AUTHORIZATION_REJECTED,
};

/** Protocol errors carry the E bit, and only they [RFC 6733 7.1.3]. */
export function isProtocolError(resultCode: number): boolean {
  return resultCode >= 3000 && resultCode < 4000;
}
