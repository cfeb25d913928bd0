/** What an intent asks for, as `intents.body` keeps it (docs/architecture.md, "Management changes"). */
import type pg from 'pg';
import type { CreditOperation } from '../../charging/provisioning.js';
import type { Amount } from '../../domain/amounts.js';
import type { LedgerKind } from '../../domain/events.js';
import { newIdentifier } from '../identifier.js';

export interface IntentBody {
  /** Carried out together, or not at all. */
  readonly operations: readonly CreditOperation[];
  /** Words for the ledger. */
  readonly reason: string | null;
  /** The event of the account whose changes this one takes back. */
  readonly reverses?: { readonly sequence: number };
  /** Of a transfer: which side of it this is, and where the other one is. */
  readonly transfer?: TransferSide;
}

/** `from` takes, `to` gives; `return` gives back where `to` could not. */
export interface TransferSide {
  readonly side: 'from' | 'to' | 'return';
  /** Of the intent's own account. */
  readonly bucketId: string;
  readonly amount: Amount;
  readonly other: { readonly accountId: string; readonly bucketId: string };
}

/** An account whose next intent nobody else can write before the transaction ends. */
export interface LockedAccount {
  readonly accountId: string;
  readonly tenant: string;
  /** Number of its last intent. */
  readonly lastIntent: number;
}

export interface NewIntent {
  readonly kind: LedgerKind;
  readonly idempotencyKey: string;
  readonly body: IntentBody;
  readonly actor: string;
  /** Milliseconds since 1970, for the identifier. */
  readonly now: number;
  /** Ties the sides of a transfer. */
  readonly transferId?: string;
}

/** Locks the account against other intents; null where there is none. */
export async function lockAccount(
  client: pg.PoolClient,
  accountId: string,
): Promise<LockedAccount | null> {
  const { rows } = await client.query<LockedAccount>(
    `SELECT id AS "accountId", tenant, last_intent::float8 AS "lastIntent"
     FROM tolld.accounts WHERE id = $1 FOR NO KEY UPDATE`,
    [accountId],
  );
  return rows[0] ?? null;
}

/**
 * Writes the account's next intent.
 * @returns its id.
 * @throws the database's error where the key is taken.
 */
export async function writeIntent(
  client: pg.PoolClient,
  { accountId, tenant, lastIntent }: LockedAccount,
  { kind, idempotencyKey, body, actor, now, transferId }: NewIntent,
): Promise<string> {
  const number = lastIntent + 1;
  const id = newIdentifier(now);
  await client.query(
    `INSERT INTO tolld.intents
       (id, tenant, account_id, number, idempotency_key, kind, body, actor, transfer_id)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      id,
      tenant,
      accountId,
      number,
      idempotencyKey,
      kind,
      JSON.stringify(body),
      actor,
      transferId ?? null,
    ],
  );
  await client.query('UPDATE tolld.accounts SET last_intent = $2 WHERE id = $1', [
    accountId,
    number,
  ]);
  return id;
}
