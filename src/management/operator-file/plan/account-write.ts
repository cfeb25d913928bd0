/** What is written of an account and of what its balances are to become. */
import type { CreditOperation } from '../../../charging/provisioning.js';
import type { AccountStanding, LedgerKind } from '../../../domain/events.js';
import type { DeclaredBucket } from './declared-bucket.js';

export interface AccountWrite {
  readonly id: string;
  readonly tenant: string;
  readonly isNew: boolean;
  readonly tariff: string | null;
  readonly standing: AccountStanding;
  readonly declared: Readonly<Record<string, DeclaredBucket>>;
  readonly thresholds: Readonly<Record<string, readonly DeclaredThreshold[]>>;
  /** In the order of their numbers. */
  readonly intents: readonly IntentDraft[];
}

export interface IntentDraft {
  readonly kind: LedgerKind;
  /** Says what the intent does, so that it is never asked for twice. */
  readonly idempotencyKey: string;
  readonly operations: readonly CreditOperation[];
}

/** A threshold of a file in the engine's numbers; kept to compare later files. */
export interface DeclaredThreshold {
  readonly id: string;
  readonly resource: string;
  readonly bundleId: string | null;
  /** One of the two. */
  readonly percent: number | null;
  readonly amount: number | null;
  readonly lowBalance: boolean;
}
