/** What staff and customers have done to a balance: an intent for each, written once by its key. */
import type pg from 'pg';
import type { LedgerKind } from '../../domain/events.js';
import { lockAccount, writeIntent, type IntentBody, type LockedAccount } from './intent.js';

/** Who asks for it, and by which name it is known when it is asked for again. */
export interface PostingRequest {
  /** The same key posts once, however often it is asked for. Unique in the tenant. */
  readonly idempotencyKey: string;
  readonly actor: string;
  readonly reason: string | null;
}

export interface PostingOptions {
  readonly clock: () => number;
}

export type PostingOutcome =
  /** Durable, and carried out as soon as a process with the role `management` is there. */
  | { readonly kind: 'accepted'; readonly intentId: string }
  /** The key was used for just this: that intent stands. */
  | { readonly kind: 'repeated'; readonly intentId: string }
  /** The key was used for something else. */
  | { readonly kind: 'conflict' }
  | { readonly kind: 'unknown-account' };

export interface Posting extends PostingRequest {
  readonly kind: LedgerKind;
  readonly body: IntentBody;
  readonly transferId?: string;
}

/** The intent that a key stands for, where it was used; by its content it is the same or another. */
export async function findPosting(
  client: pg.PoolClient,
  { accountId, tenant }: Pick<LockedAccount, 'accountId' | 'tenant'>,
  { idempotencyKey, kind, body }: Pick<Posting, 'idempotencyKey' | 'kind' | 'body'>,
): Promise<Extract<PostingOutcome, { kind: 'repeated' | 'conflict' }> | null> {
  const { rows } = await client.query<{ id: string; same: boolean }>(
    `SELECT id, account_id = $3 AND kind = $4 AND body = $5::jsonb AS same
     FROM tolld.intents WHERE tenant = $1 AND idempotency_key = $2`,
    [tenant, idempotencyKey, accountId, kind, JSON.stringify(body)],
  );
  const [found] = rows;
  if (found === undefined) return null;
  return found.same ? { kind: 'repeated', intentId: found.id } : { kind: 'conflict' };
}

/** Writes the intent behind the others of a locked account, unless its key was used before. */
export async function post(
  client: pg.PoolClient,
  account: LockedAccount,
  posting: Posting,
  { clock }: PostingOptions,
): Promise<PostingOutcome> {
  const before = await findPosting(client, account, posting);
  if (before !== null) return before;
  const { kind, idempotencyKey, body, actor, transferId } = posting;
  const intentId = await writeIntent(client, account, {
    kind,
    idempotencyKey,
    body,
    actor,
    now: clock(),
    ...(transferId !== undefined && { transferId }),
  });
  return { kind: 'accepted', intentId };
}

/** {@link post} on the account of an id. */
export async function postTo(
  client: pg.PoolClient,
  accountId: string,
  posting: Posting,
  options: PostingOptions,
): Promise<PostingOutcome> {
  const account = await lockAccount(client, accountId);
  return account === null ? { kind: 'unknown-account' } : post(client, account, posting, options);
}
