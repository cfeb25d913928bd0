/**
 * A transfer between accounts: one intent takes, down to the floor and no further, and when its event
 * is in the record, a second one gives. A publication of its own stands until both are done, so that
 * whoever looks next goes on where a crash cut it off; each step has a key of its own and is taken
 * once. What cannot be given goes back.
 */
import type pg from 'pg';
import { ZERO, type Amount } from '../../domain/amounts.js';
import type { Logger } from '../../observability/logger.js';
import { newIdentifier } from '../identifier.js';
import type { Transact } from '../transaction.js';
import { lockAccount, type IntentBody, type TransferSide } from './intent.js';
import {
  findPosting,
  post,
  postTo,
  type PostingOptions,
  type PostingOutcome,
  type PostingRequest,
} from './posting.js';
import { TRANSFER_TOPIC } from './publication.js';

export interface TransferEnd {
  readonly accountId: string;
  readonly bucketId: string;
}

export interface Transfer extends PostingRequest {
  readonly from: TransferEnd;
  readonly to: TransferEnd;
  /** Above 0, in the smallest unit of the resource that both buckets count. */
  readonly amount: Amount;
}

export type TransferOutcome =
  | PostingOutcome
  /** One of the accounts has no such bucket, as far as the record knows. */
  | ({ readonly kind: 'unknown-bucket' } & TransferEnd)
  | { readonly kind: 'other-tenant' }
  | { readonly kind: 'same-account' }
  | { readonly kind: 'other-resource'; readonly from: string; readonly to: string };

export async function transfer(
  transact: Transact,
  { from, to, amount, reason, ...request }: Transfer,
  { clock }: PostingOptions,
): Promise<TransferOutcome> {
  if (from.accountId === to.accountId) return { kind: 'same-account' };
  return transact(async (client) => {
    const account = await lockAccount(client, from.accountId);
    const [own, other] = [await findEnd(client, from), await findEnd(client, to)];
    if (account === null || other === null || own === null) return { kind: 'unknown-account' };
    if (other.tenant !== account.tenant) return { kind: 'other-tenant' };
    if (own.resource === null) return { kind: 'unknown-bucket', ...from };
    if (other.resource === null) return { kind: 'unknown-bucket', ...to };
    if (own.resource !== other.resource) {
      return { kind: 'other-resource', from: own.resource, to: other.resource };
    }
    const body: IntentBody = {
      operations: [{ operation: 'take', bucketId: from.bucketId, amount }],
      reason,
      transfer: { side: 'from', bucketId: from.bucketId, amount, other: to },
    };
    const posting = { ...request, kind: 'transfer', body, reason } as const;
    const before = await findPosting(client, account, posting);
    if (before !== null) return before;
    const transferId = newIdentifier(clock());
    await client.query(
      'INSERT INTO tolld.publications (tenant, topic, subject) VALUES ($1, $2, $3)',
      [account.tenant, TRANSFER_TOPIC, transferId],
    );
    return post(client, account, { ...posting, transferId }, { clock });
  });
}

/** Null where there is no such account; no resource where it has no such bucket. */
async function findEnd(
  client: pg.PoolClient,
  { accountId, bucketId }: TransferEnd,
): Promise<{ readonly tenant: string; readonly resource: string | null } | null> {
  const { rows } = await client.query<{ tenant: string; resource: string | null }>(
    `SELECT a.tenant, b.resource FROM tolld.accounts a
       LEFT JOIN tolld.buckets b ON b.account_id = a.id AND b.bucket_id = $2
     WHERE a.id = $1`,
    [accountId, bucketId],
  );
  return rows[0] ?? null;
}

/** A transfer whose last intent is settled, and those that it has. */
interface DueTransfer {
  readonly number: string;
  readonly transferId: string;
  readonly sides: readonly SettledSide[];
}

interface SettledSide {
  readonly state: 'applied' | 'refused';
  readonly refusal: string | null;
  readonly accountId: string;
  readonly actor: string;
  readonly reason: string | null;
  readonly transfer: TransferSide;
}

const BATCH = 100;

/** Takes every transfer on that waits for nothing. @returns the intents that were written. */
export async function advanceTransfers(
  transact: Transact,
  { clock, logger }: PostingOptions & { readonly logger: Logger },
): Promise<number> {
  const due = await transact(readDue);
  let written = 0;
  for (const { transferId } of due) {
    // One by one, and each looked at again: another process may have been quicker.
    try {
      written += await transact(async (client) => {
        const [found] = await readDue(client, transferId);
        return found === undefined ? 0 : advance(client, found, { clock, logger });
      });
    } catch (error) {
      logger.warn({ err: error, transfer: transferId }, 'transfer not taken on; it is tried again');
    }
  }
  return written;
}

async function readDue(
  client: pg.PoolClient,
  transferId: string | null = null,
): Promise<readonly DueTransfer[]> {
  const { rows } = await client.query<DueTransfer>({
    name: 'transfers to take on',
    text: `
      SELECT p.number::text AS number, p.subject AS "transferId", (
        SELECT jsonb_agg(jsonb_build_object('state', i.state, 'refusal', i.refusal,
          'accountId', i.account_id, 'actor', i.actor, 'reason', i.body -> 'reason',
          'transfer', i.body -> 'transfer'))
        FROM tolld.intents i WHERE i.transfer_id = p.subject) AS sides
      FROM tolld.publications p
      WHERE p.published_at IS NULL AND p.topic = $1 AND p.subject = coalesce($2, p.subject)
        AND NOT EXISTS (
          SELECT FROM tolld.intents i WHERE i.transfer_id = p.subject AND i.state = 'pending')
      ORDER BY p.number LIMIT ${BATCH} FOR UPDATE OF p SKIP LOCKED`,
    values: [TRANSFER_TOPIC, transferId],
  });
  return rows;
}

/** The next step of a transfer: it gives, or gives back, or is over. */
async function advance(
  client: pg.PoolClient,
  { number, transferId, sides }: DueTransfer,
  { clock, logger }: PostingOptions & { readonly logger: Logger },
): Promise<number> {
  const side = (name: TransferSide['side']): SettledSide | undefined =>
    sides.find(({ transfer: { side: each } }) => each === name);
  const [from, to, back] = [side('from'), side('to'), side('return')];
  if (from?.state === 'applied' && to === undefined) {
    await give(client, { transferId, from, side: 'to', clock });
    return 1;
  }
  if (from?.state === 'applied' && to?.state === 'refused' && back === undefined) {
    logger.warn({ transfer: transferId, refusal: to.refusal }, 'transfer given back');
    await give(client, { transferId, from, side: 'return', clock });
    return 1;
  }
  if (back?.state === 'refused') {
    logger.error(
      { transfer: transferId, refusal: back.refusal },
      'transfer could not be given back',
    );
  }
  await client.query('UPDATE tolld.publications SET published_at = now() WHERE number = $1', [
    number,
  ]);
  return 0;
}

/** Writes the intent that gives what the first side took: to the other account, or back. */
async function give(
  client: pg.PoolClient,
  {
    transferId,
    from,
    side,
    clock,
  }: {
    readonly transferId: string;
    readonly from: SettledSide;
    readonly side: 'to' | 'return';
    readonly clock: () => number;
  },
): Promise<void> {
  const { actor, reason, transfer: taken } = from;
  const source = { accountId: from.accountId, bucketId: taken.bucketId };
  const [end, other] = side === 'to' ? [taken.other, source] : [source, taken.other];
  const { bucketId } = end;
  const { amount } = taken;
  // What comes back was granted before; what is given counts as granted here.
  const operation = { operation: 'add', bucketId, amount } as const;
  const body: IntentBody = {
    operations: [side === 'to' ? operation : { ...operation, granted: ZERO }],
    reason,
    transfer: { side, bucketId, amount, other },
  };
  const idempotencyKey = `transfer:${transferId}:${side}`;
  const posting = { kind: 'transfer', idempotencyKey, body, actor, reason, transferId } as const;
  const { kind } = await postTo(client, end.accountId, posting, { clock });
  if (kind !== 'accepted' && kind !== 'repeated') {
    throw new Error(`account ${end.accountId}, ${side} of the transfer: ${kind}`);
  }
}
