/**
 * Steering: requests that the node makes of a gateway about a live session. What asks for one raises
 * a task; a process that reaches the gateway claims it and hands it to the {@link SteeringSender} of
 * the session's protocol (docs/steering.md).
 */
import type { Protocol } from './credit-control.js';
import type { SessionRoute } from './session-route.js';

export const STEERING_KINDS = [
  /** The session's terms may have changed: have it ask again, or give it the new terms. */
  're-authorise',
  /** The session has to end. */
  'abort',
] as const;
export type SteeringKind = (typeof STEERING_KINDS)[number];

export const STEERING_REASONS = [
  /** A credit, after the session had got its last units. */
  'credit',
  /** Units that another session gave back, likewise. */
  'release',
  /** The account was suspended or closed, or is active again. */
  'standing',
  /** The subscriber's profile is another: tariff, sharing, policy. */
  'profile',
  /** The tariff itself has changed. */
  'tariff',
  /** Somebody of the staff wants it. */
  'demand',
  /** Its credit is spent, or back; fair use has made it slower, or is over. */
  'quota',
] as const;
export type SteeringReason = (typeof STEERING_REASONS)[number];

export const STEERING_OUTCOMES = [
  /** The gateway took it. */
  'accepted',
  /** The gateway knows no such session: it is closed here too. */
  'unknown-session',
  'refused',
  'unanswered',
  /** No process had a way to the gateway. */
  'unreachable',
  /** The gateway is declared not to act on such requests, or has no way for them. */
  'not-supported',
  /** The session asked by itself, so that the request was not repeated. */
  'came-back',
  /** The session ended before the gateway had answered. */
  'session-ended',
  /** What it was for is no longer so. */
  'withdrawn',
] as const;
export type SteeringOutcome = (typeof STEERING_OUTCOMES)[number];

/** One attempt, in the hands of the process that claimed it. */
export interface SteeringAttempt {
  readonly kind: SteeringKind;
  readonly reason: SteeringReason;
  readonly sessionId: string;
  readonly route: SessionRoute;
  /** From 1. */
  readonly attempt: number;
}

/** What a sender says of an attempt. `detail`: the Result-Code, the Error-Cause … for the record. */
export type SteeringResult =
  | { readonly outcome: 'accepted' | 'unknown-session'; readonly detail: string | null }
  /** `again`: the gateway may do better later (too busy, out of resources). */
  | { readonly outcome: 'refused'; readonly detail: string | null; readonly again: boolean }
  /** `withdrawn`: there is nothing to tell the gateway (any more); nothing was sent. */
  | { readonly outcome: 'unanswered' | 'unreachable' | 'not-supported' | 'withdrawn' };

/**
 * Sends the requests of one protocol. Every process says which ways it has into the network, as
 * tokens ("host:pgw.example"), so that a task is left to one that can do something about it.
 */
export interface SteeringSender {
  /** The ways that this process has now. */
  reach(): readonly string[];
  /** The ways of which any one leads to a session, without knowing who has them. */
  ways(route: SessionRoute): readonly string[];
  /** Makes one attempt, with the retransmissions of its protocol; never rejects for a gateway. */
  send(attempt: SteeringAttempt): Promise<SteeringResult>;
}

/** The sender of each protocol that a process speaks. */
export type SteeringSenders = { readonly [Name in Protocol]?: SteeringSender };
