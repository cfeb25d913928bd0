/** A bucket of a file in the engine's numbers, kept with its account to compare later files. */

/** Everything in the resource's smallest unit and in milliseconds. */
export interface DeclaredBucket {
  readonly resource: string;
  readonly kind: 'units' | 'money';
  readonly amount: number;
  readonly priority: number;
  readonly step: number;
  readonly blocker: boolean;
  readonly bundle: string | null;
  readonly scope: DeclaredScope | null;
  /** Null for none: postpaid without a limit. */
  readonly floor: number | null;
  readonly fromMs: number | null;
  readonly untilMs: number | null;
  /** From the start: its first use where `armed`. */
  readonly durationMs: number | null;
  readonly armed: boolean;
  /** The bucket or bundle that must be over first; absent for none. */
  readonly after?: string;
}

export interface DeclaredScope {
  readonly contexts?: readonly string[];
  readonly ratingGroups?: readonly number[];
  readonly zones?: readonly string[];
  readonly bands?: readonly string[];
}
