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
  /** In the order of their numbers. */
  readonly intents: readonly IntentDraft[];
}

export interface IntentDraft {
  readonly kind: LedgerKind;
  /** Says what the intent does, so that it is never asked for twice. */
  readonly idempotencyKey: string;
  readonly operations: readonly CreditOperation[];
}
