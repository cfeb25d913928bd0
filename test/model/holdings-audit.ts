/** Invariant 3: what a bucket says is reserved is what the services of live sessions hold of it. */
import { sessionOf, type AuditedStep } from './audited-step.js';

/** What one service of a session holds of one bucket. */
export interface Holding {
  readonly service: string;
  readonly bucketId: string;
  readonly amount: number;
}

export class HoldingsAudit {
  readonly #held = new Map<string, readonly Holding[]>();

  /** What a session held before the step that is audited now, or after it once it was. */
  of(sessionId: string): readonly Holding[] {
    return this.#held.get(sessionId) ?? [];
  }

  /** @returns what does not add up after a step. */
  step(step: AuditedStep): readonly string[] {
    const sessionId = sessionOf(step.call);
    if (sessionId !== null) {
      if (step.session === null) this.#held.delete(sessionId);
      else this.#held.set(sessionId, holdingsIn(step));
    }
    const sums = new Map<string, number>();
    for (const holdings of this.#held.values()) {
      for (const { bucketId, amount } of holdings) {
        sums.set(bucketId, (sums.get(bucketId) ?? 0) + amount);
      }
    }
    return [...step.accounts.values()].flatMap((account) =>
      (account?.buckets ?? [])
        .filter(({ bucketId, reserved }) => reserved !== (sums.get(bucketId) ?? 0))
        .map(
          ({ bucketId, reserved }) =>
            `${bucketId} says ${reserved} are reserved, sessions hold ${sums.get(bucketId) ?? 0}`,
        ),
    );
  }
}

export function holdingsIn({ session }: AuditedStep): readonly Holding[] {
  return (session?.services ?? []).flatMap(({ key, legs }) =>
    legs.map(({ bucketId, reserved }) => ({ service: key, bucketId, amount: reserved })),
  );
}
