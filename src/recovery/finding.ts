/** What a proof found wrong: where, by how much, and what to do about it. */

/** Every kind of finding with its remedy; docs/operations.md says more about each. */
const REMEDIES = {
  'run-gap':
    'events are missing in Postgres: restore the months or the backup they were in; the balances stand',
  'run-double': 'an event stands twice in Postgres: keep both and report it, this must not happen',
  'run-length':
    'the facts of the account and the record of how many there are disagree: restore Postgres from its backup',
  'events-lost':
    'neither Postgres nor the outbox has them: look for why, then book what they held by hand',
  'bucket-sum':
    'the record of the bucket is not the sum of its facts: restore Postgres from its backup',
  'bucket-resource':
    'facts of the bucket are of another resource than it is: restore Postgres from its backup',
  'bucket-chain':
    'a change between two events went unrecorded: `tolld reconcile --repair` writes the difference',
  'bucket-live': '`tolld reconcile` shows the difference, `tolld reconcile --repair` books it',
  'bucket-missing':
    '`tolld reconcile --repair` books the difference; `tolld rebuild` brings it back',
  'bucket-unknown':
    'Redis holds a bucket that was never granted: `tolld reconcile --repair` books it',
  'bucket-definition': '`tolld rebuild` into an empty Redis takes the terms of the record',
  reservation:
    'units are held by nobody, or twice: end the sessions of the account; `tolld rebuild` frees them all',
  'leg-without-bucket': 'end the session: what it holds is of a bucket that is gone',
  timer: 'nothing ends by itself there: `tolld rebuild` into an empty Redis arms every timer anew',
  counter: '`tolld rebuild` into an empty Redis takes what the last events say was counted',
  threshold: '`tolld rebuild` into an empty Redis takes the thresholds of the record',
  header: '`tolld rebuild` into an empty Redis takes what the record says of the account',
  'session-total': 'keep both and report it: a report was counted differently in cost or use',
  'session-live': 'end the session, then correct what was charged by an adjustment',
  'session-carry':
    'end the session: its next report would be rounded or priced from another total than its last',
  'session-services': 'end the session by hand: what it holds for a service is not given back',
  'session-missing': 'Redis lost the session: it goes on as an unknown one; close it in the record',
  'session-unrecorded': 'the session was opened without an event: end it',
  'session-record':
    'the list of sessions says otherwise than their events: restore Postgres from its backup',
  'session-orphan': 'the session has no account or no timer, nobody ends it: end it by hand',
  'usage-units': 'keep it and report it: units are neither paid nor said to be uncollected',
  'usage-cost': 'keep it and report it: the money taken is not the cost of the report',
  'intent-unconfirmed': 'the change was applied and its confirmation is in quarantine or lost',
  'intent-unmatched':
    'what the ledger has of the change is not what was asked for: compare the two, then correct by an adjustment',
  'intent-uncounted':
    'the next change would take a number that is taken: set `last_intent` of the account to the newest number',
  'transfer-lost': 'give it back to the account by `tolld account adjust`',
  'intent-missing': 'a change of balance is missing in Postgres: restore it from its backup',
  'account-double':
    'Redis holds the account in two partitions: stop every process, empty Redis, run `tolld rebuild`',
  'account-misplaced':
    'changes of the account never reach it: have `accounts.partition` say where it stands',
  'account-missing': 'Redis lost the account: stop every process, empty Redis, run `tolld rebuild`',
  'account-behind':
    'Redis lost its newest events: stop every process, empty Redis, run `tolld rebuild`',
  'account-unreadable':
    'nothing is charged on it: keep what stands under its key and look what wrote it; ' +
    '`tolld rebuild` into an empty Redis brings the account back from the record',
  'account-set-aside':
    'recovery brought the account back from the record; look at what it had found, then remove that key',
  'session-unreadable':
    'keep what stands under its key, then remove it: the session goes on as an unknown one',
  'account-unrecorded':
    'Redis holds an account of which Postgres knows nothing: check DATABASE_URL',
  quarantined: 'look at the entry in quarantined_events and keep it: it counts in every proof',
  'address-double':
    'another session may have been given its address: end both by `tolld session disconnect`',
  'address-unleased':
    'the address may be given to another session while this one has it: end the session by `tolld session disconnect`',
  'partition-closed': 'wait for the rebuild that holds it, or run `tolld rebuild` again',
  'stream-gap':
    'entries are neither in Redis nor in Postgres: was Postgres restored from a backup?',
  'offset-behind':
    'the facts are beyond where the record says it stands: was a table restored without the others?',
  undecodable: 'bring all processes to the version that wrote the entry',
} as const;

export type FindingKind = keyof typeof REMEDIES;

/** Amounts in the resource's smallest unit, sequence numbers and the like, by what they mean. */
export type FindingFacts = Readonly<Record<string, bigint | number | string | null>>;

export interface Finding {
  readonly kind: FindingKind;
  readonly partition: number | null;
  readonly accountId: string | null;
  readonly bucketId: string | null;
  readonly sessionId: string | null;
  /** One sentence for a person. */
  readonly message: string;
  readonly facts: FindingFacts;
  readonly remedy: string;
}

export interface FindingPlace {
  readonly partition?: number | null;
  readonly accountId?: string;
  readonly bucketId?: string;
  readonly sessionId?: string;
}

export function finding(
  kind: FindingKind,
  place: FindingPlace,
  message: string,
  facts: FindingFacts = {},
): Finding {
  return {
    kind,
    partition: place.partition ?? null,
    accountId: place.accountId ?? null,
    bucketId: place.bucketId ?? null,
    sessionId: place.sessionId ?? null,
    message,
    facts,
    remedy: REMEDIES[kind],
  };
}
