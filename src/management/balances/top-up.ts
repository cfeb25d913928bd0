/** Credits that a customer paid for. */
import type { Amount } from '../../domain/amounts.js';
import type { Transact } from '../transaction.js';
import {
  postTo,
  type PostingOptions,
  type PostingOutcome,
  type PostingRequest,
} from './posting.js';

export interface TopUp extends PostingRequest {
  readonly accountId: string;
  readonly bucketId: string;
  readonly amount: Amount;
}

export async function topUp(
  transact: Transact,
  { accountId, bucketId, amount, reason, ...request }: TopUp,
  options: PostingOptions,
): Promise<PostingOutcome> {
  const body = { operations: [{ operation: 'add', bucketId, amount } as const], reason };
  return transact((client) =>
    postTo(client, accountId, { ...request, kind: 'top-up', body, reason }, options),
  );
}
