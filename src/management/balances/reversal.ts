/**
 * Takes an event of an account back: a credit, a debit or a use. Each of its changes is undone whole,
 * once, wherever that leads a bucket: who has spent a reversed credit is in debt, and the ledger says
 * so.
 */
import type pg from 'pg';
import type { CreditOperation } from '../../charging/provisioning.js';
import { toAmount } from '../../domain/amounts.js';
import type { Transact } from '../transaction.js';
import { lockAccount, type IntentBody } from './intent.js';
import {
  findPosting,
  post,
  type PostingOptions,
  type PostingOutcome,
  type PostingRequest,
} from './posting.js';

export interface Reversal extends PostingRequest {
  readonly accountId: string;
  /** Number of the event in the account's order. */
  readonly sequence: number;
}

export type ReversalOutcome =
  | PostingOutcome
  /** The record has no such event of balances, or not yet. */
  | { readonly kind: 'unknown-event' }
  /** What the event is cannot be taken back, or it changed nothing. */
  | { readonly kind: 'irreversible'; readonly of: string }
  | { readonly kind: 'reversed-before'; readonly intentId: string };

export async function reverse(
  transact: Transact,
  { accountId, sequence, reason, ...request }: Reversal,
  options: PostingOptions,
): Promise<ReversalOutcome> {
  return transact(async (client) => {
    const account = await lockAccount(client, accountId);
    if (account === null) return { kind: 'unknown-account' };
    const changes = await readChanges(client, accountId, sequence);
    const [first] = changes;
    if (first === undefined) return { kind: 'unknown-event' };
    const operations = changes.flatMap(undo);
    if (!REVERSIBLE.has(first.kind) || operations.length === 0) {
      return { kind: 'irreversible', of: first.kind };
    }
    const body: IntentBody = { operations, reason, reverses: { sequence } };
    const posting = { ...request, kind: 'reversal', body, reason } as const;
    const repeated = await findPosting(client, account, posting);
    if (repeated !== null) return repeated;
    const before = await findReversal(client, accountId, sequence);
    if (before !== null) return { kind: 'reversed-before', intentId: before };
    return post(client, account, posting, options);
  });
}

/** A transfer is undone by one back; what expired would expire again; a correction moved nothing. */
const REVERSIBLE: ReadonlySet<string> = new Set([
  'grant',
  'top-up',
  'adjustment',
  'refund',
  'usage',
  'shared-usage',
]);

/** Kinds whose credits count as granted. */
const GRANTING: ReadonlySet<string> = new Set(['grant', 'top-up', 'adjustment']);

interface Change {
  readonly kind: string;
  readonly bucketId: string | null;
  readonly delta: string;
}

async function readChanges(
  client: pg.PoolClient,
  accountId: string,
  sequence: number,
): Promise<readonly Change[]> {
  const { rows } = await client.query<Change>(
    `SELECT kind, bucket_id AS "bucketId", amount::text AS delta, position::bigint AS place
     FROM tolld.ledger_entries WHERE account_id = $1 AND sequence = $2
     UNION ALL
     SELECT e.kind, impact ->> 0, coalesce(impact ->> 2, '0'), ordinality
     FROM tolld.rated_events e
       LEFT JOIN jsonb_array_elements(e.impacts) WITH ORDINALITY AS i (impact, ordinality) ON true
     WHERE e.account_id = $1 AND e.sequence = $2
     ORDER BY place`,
    [accountId, sequence],
  );
  return rows;
}

function undo({ kind, bucketId, delta }: Change): readonly CreditOperation[] {
  const change = toAmount(BigInt(delta));
  if (bucketId === null || change === 0) return [];
  const amount = toAmount(0 - change);
  const granted = toAmount(GRANTING.has(kind) ? Math.min(0, amount) : 0);
  return [{ operation: 'add', bucketId, amount, granted }];
}

/** The intent that takes the event back already; one that was refused took nothing. */
async function findReversal(
  client: pg.PoolClient,
  accountId: string,
  sequence: number,
): Promise<string | null> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT id FROM tolld.intents
     WHERE account_id = $1 AND kind = 'reversal' AND state <> 'refused'
       AND (body #>> '{reverses,sequence}')::bigint = $2`,
    [accountId, sequence],
  );
  return rows[0]?.id ?? null;
}
