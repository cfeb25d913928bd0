/** Corrections by staff: an amount given or taken, whatever the floor says; the ledger tells. */
import type { Amount } from '../../domain/amounts.js';
import type { Transact } from '../transaction.js';
import {
  postTo,
  type PostingOptions,
  type PostingOutcome,
  type PostingRequest,
} from './posting.js';

export interface Adjustment extends PostingRequest {
  readonly accountId: string;
  readonly bucketId: string;
  /** Negative for a debit. */
  readonly amount: Amount;
}

export async function adjust(
  transact: Transact,
  { accountId, bucketId, amount, reason, ...request }: Adjustment,
  options: PostingOptions,
): Promise<PostingOutcome> {
  const body = { operations: [{ operation: 'add', bucketId, amount } as const], reason };
  return transact((client) =>
    postTo(client, accountId, { ...request, kind: 'adjustment', body, reason }, options),
  );
}
