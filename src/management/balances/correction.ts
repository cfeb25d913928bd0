/** Corrections of the record, as intents: what a bucket holds and what its facts say made one again. */
import type pg from 'pg';
import { toAmount } from '../../domain/amounts.js';
import type { Transact } from '../transaction.js';
import { lockAccount, writeIntent, type IntentBody } from './intent.js';

export interface BucketDifference {
  readonly accountId: string;
  readonly bucketId: string;
  readonly resource: string;
  /** What is to be added to the record. */
  readonly difference: bigint;
  /** Event of the account at which the two were compared. */
  readonly sequence: number;
}

export interface CorrectionOptions {
  readonly actor: string;
  readonly clock: () => number;
}

/**
 * Writes a correcting intent for each account. One that another correction was written for since the
 * comparison is left alone, so that repeating this books nothing twice.
 * @returns the accounts that got one.
 */
export async function correctBuckets(
  transact: Transact,
  differences: readonly BucketDifference[],
  options: CorrectionOptions,
): Promise<readonly string[]> {
  const byAccount = new Map<string, BucketDifference[]>();
  for (const difference of differences) {
    const list = byAccount.get(difference.accountId);
    if (list === undefined) byAccount.set(difference.accountId, [difference]);
    else list.push(difference);
  }
  const corrected: string[] = [];
  for (const [accountId, list] of byAccount) {
    const isWritten = await transact((client) => writeCorrection(client, accountId, list, options));
    if (isWritten) corrected.push(accountId);
  }
  return corrected;
}

async function writeCorrection(
  client: pg.PoolClient,
  accountId: string,
  differences: readonly BucketDifference[],
  { actor, clock }: CorrectionOptions,
): Promise<boolean> {
  const account = await lockAccount(client, accountId);
  if (account === null) return false;
  const sequence = Math.min(...differences.map((each) => each.sequence));
  const { rows: later } = await client.query(
    `SELECT FROM tolld.intents
     WHERE account_id = $1 AND kind = 'correction'
       AND (state = 'pending' OR applied_sequence > $2) LIMIT 1`,
    [accountId, sequence],
  );
  if (later.length > 0) return false;
  const body: IntentBody = {
    operations: differences.map(({ bucketId, resource, difference }) => ({
      operation: 'correct',
      bucketId,
      resource,
      amount: toAmount(difference),
    })),
    reason: `reconciled at event ${sequence}`,
  };
  await writeIntent(client, account, {
    kind: 'correction',
    idempotencyKey: `correction:${accountId}:${account.lastIntent + 1}`,
    body,
    actor,
    now: clock(),
  });
  return true;
}
