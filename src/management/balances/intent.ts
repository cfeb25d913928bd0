/** What an intent asks for, as `intents.body` keeps it (docs/architecture.md, "Management changes"). */
import type { CreditOperation } from '../../charging/provisioning.js';

export interface IntentBody {
  /** Carried out together, or not at all. */
  readonly operations: readonly CreditOperation[];
  /** Words for the ledger. */
  readonly reason: string | null;
}
