/** A bucket that staff give an account besides those of its plan. It is granted once, by its id. */
import { ZERO, type Amount } from '../../domain/amounts.js';
import type { Transact } from '../transaction.js';
import { lockAccount } from './intent.js';
import { post, type PostingOptions, type PostingOutcome, type PostingRequest } from './posting.js';

export interface BucketPosting extends PostingRequest {
  readonly accountId: string;
  readonly bucketId: string;
  readonly resource: string;
  readonly amount: Amount;
  /** Null: units before money, as buckets of an operator file have it. */
  readonly priority: number | null;
  /** Milliseconds since 1970; null for no end. */
  readonly endsAt: number | null;
}

const PRIORITIES = { units: 100, money: 200 } as const;

export async function grantBucket(
  transact: Transact,
  posting: BucketPosting,
  options: PostingOptions,
): Promise<PostingOutcome | { readonly kind: 'unknown-resource' }> {
  const { accountId, bucketId, resource, amount, priority, endsAt, reason, ...request } = posting;
  return transact(async (client) => {
    const account = await lockAccount(client, accountId);
    if (account === null) return { kind: 'unknown-account' };
    const { rows } = await client.query<{ kind: 'units' | 'money' }>(
      'SELECT kind FROM tolld.resources WHERE tenant = $1 AND code = $2',
      [account.tenant, resource],
    );
    const kind = rows[0]?.kind;
    if (kind === undefined) return { kind: 'unknown-resource' };
    const bucket = {
      bucketId,
      resource,
      kind,
      priority: priority ?? PRIORITIES[kind],
      state: 'active',
      startsAt: null,
      endsAt,
      // By the clock of the engine, as its start is: asked for again, it is the same.
      createdAt: 0,
      floor: ZERO,
      granted: amount,
      step: 1,
      blocker: false,
      bundleId: null,
      detail: {},
    } as const;
    const body = { operations: [{ operation: 'grant', bucket } as const], reason };
    return post(client, account, { ...request, kind: 'grant', body, reason }, options);
  });
}
