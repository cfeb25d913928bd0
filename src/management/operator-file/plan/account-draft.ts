/** What a file makes of accounts, gathered from every entry that speaks of them. */
import { toAmount } from '../../../domain/amounts.js';
import type { AccountThreshold } from '../../../charging/provisioning.js';
import type { AccountStanding } from '../../../domain/events.js';
import type { AccountWrite, DeclaredThreshold, IntentDraft } from './account-write.js';
import type { AccountState, CurrentState } from './current-state.js';
import type { DeclaredBucket } from './declared-bucket.js';
import { canonicalJson, type Findings } from './findings.js';

/** Thresholds that an account's own entry declares; those of a plan stand under its subscriber. */
export const OWN_THRESHOLDS = '';

export interface AccountDraft {
  readonly id: string;
  readonly tenant: string;
  /** Null for a new one. */
  readonly before: AccountState | null;
  tariff: string | null;
  standing: AccountStanding;
  /** Whether the file changes the account's own row. */
  changed: boolean;
  /** Every bucket that a file ever granted, as it was declared last. */
  readonly declared: Record<string, DeclaredBucket>;
  /** In the order of their numbers. */
  readonly intents: IntentDraft[];
  /** By who asks for them. */
  readonly thresholds: Record<string, readonly DeclaredThreshold[]>;
}

export class AccountDrafts {
  readonly #current: CurrentState;
  readonly #drafts = new Map<string, AccountDraft>();

  constructor(current: CurrentState) {
    this.#current = current;
  }

  /** The draft of an account; of one that is new, nothing is known yet. */
  of(id: string, tenant: string): AccountDraft {
    let draft = this.#drafts.get(id);
    if (draft === undefined) {
      const before = this.#current.accounts.get(id) ?? null;
      draft = {
        id,
        tenant,
        before,
        tariff: before?.tariff ?? null,
        standing: before?.standing ?? 'active',
        changed: before === null,
        declared: { ...before?.declared },
        intents: [],
        thresholds: { ...before?.thresholds },
      };
      this.#drafts.set(id, draft);
    }
    return draft;
  }

  /** What is to be written. Thresholds come last: they watch what was granted in front of them. */
  finish(findings: Findings): AccountWrite[] {
    return [...this.#drafts.values()].flatMap((draft) => {
      replaceThresholds(draft, findings);
      const { before, changed, intents, ...write } = draft;
      if (!changed && intents.length === 0) return [];
      return [{ ...write, intents, isNew: before === null }];
    });
  }
}

function replaceThresholds(draft: AccountDraft, findings: Findings): void {
  const { id, tenant, before, thresholds, intents } = draft;
  const wanted = thresholdsOf(thresholds);
  const had = thresholdsOf(before?.thresholds ?? {});
  if (canonicalJson(wanted) === canonicalJson(had)) return;
  const known = new Set(had.map((threshold) => threshold.id));
  const kept = new Set(wanted.map((threshold) => threshold.id));
  for (const threshold of wanted) {
    const name = `${tenant}/${id}/${threshold.id}`;
    if (!known.has(threshold.id)) findings.create('threshold', name);
    else {
      const old = had.find((other) => other.id === threshold.id);
      const details = canonicalJson(old) === canonicalJson(threshold) ? [] : ['level'];
      findings.compare('threshold', name, details);
    }
  }
  for (const old of had) {
    if (!kept.has(old.id)) findings.remove('threshold', `${tenant}/${id}/${old.id}`);
  }
  const number = (before?.lastIntent ?? 0) + intents.length;
  intents.push({
    kind: 'adjustment',
    // As with other changes: made again later it has another number.
    idempotencyKey: `operator-file/${id}/thresholds-after-${number}`,
    operations: [{ operation: 'set-thresholds', thresholds: wanted.map(engineThreshold) }],
  });
}

function thresholdsOf(
  sources: Readonly<Record<string, readonly DeclaredThreshold[]>>,
): readonly DeclaredThreshold[] {
  const names = Object.keys(sources).sort();
  return names.flatMap((name) => sources[name] ?? []);
}

function engineThreshold(threshold: DeclaredThreshold): AccountThreshold {
  const { id, resource, bundleId, lowBalance } = threshold;
  const head = { id, resource, bundleId, lowBalance };
  return threshold.percent === null
    ? { ...head, level: { amount: toAmount(threshold.amount ?? 0) } }
    : { ...head, level: { percent: threshold.percent } };
}
