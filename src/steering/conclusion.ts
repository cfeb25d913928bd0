/** What follows from the result of an attempt: the end of its task, or another attempt later. */
import type { SteeringOutcome, SteeringResult } from '../domain/steering.js';

export interface RetryOptions {
  /** Wait before the second attempt; each later wait is four times the one before. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
  readonly attemptsMax: number;
}

export interface Conclusion {
  readonly outcome: SteeringOutcome;
  readonly detail: string | null;
  /** Null: there is no other attempt. */
  readonly againMs: number | null;
}

const GROWTH = 4;

/** @param attempt number of the attempt, from 1. */
export function conclusionOf(
  result: SteeringResult,
  attempt: number,
  { retryMs, retryMaxMs, attemptsMax }: RetryOptions,
): Conclusion {
  const isOpen =
    result.outcome === 'unanswered' ||
    result.outcome === 'unreachable' ||
    (result.outcome === 'refused' && result.again);
  const wait = Math.min(retryMs * GROWTH ** (attempt - 1), retryMaxMs);
  return {
    outcome: result.outcome,
    detail: 'detail' in result ? result.detail : null,
    againMs: isOpen && attempt < attemptsMax ? wait : null,
  };
}
