/** What an intent asks for, as `intents.body` keeps it (docs/architecture.md, "Management changes"). */
import type pg from 'pg';
import type { CreditOperation } from '../../charging/provisioning.js';
import type { LedgerKind } from '../../domain/events.js';
import { newIdentifier } from '../identifier.js';

export interface IntentBody {
  /** Carried out together, or not at all. */
  readonly operations: readonly CreditOperation[];
  /** Words for the ledger. */
  readonly reason: string | null;
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

/** Writes the account's next intent. @throws the database's error where the key is taken. */
export async function writeIntent(
  client: pg.PoolClient,
  { accountId, tenant, lastIntent }: LockedAccount,
  { kind, idempotencyKey, body, actor, now }: NewIntent,
): Promise<void> {
  const number = lastIntent + 1;
  await client.query(
    `INSERT INTO tolld.intents (id, tenant, account_id, number, idempotency_key, kind, body, actor)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      newIdentifier(now),
      tenant,
      accountId,
      number,
      idempotencyKey,
      kind,
      JSON.stringify(body),
      actor,
    ],
  );
  await client.query('UPDATE tolld.accounts SET last_intent = $2 WHERE id = $1', [
    accountId,
    number,
  ]);
}
