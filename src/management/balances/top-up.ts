/** Credits that a customer paid for. */
import type { Amount } from '../../domain/amounts.js';
import type { Transact } from '../transaction.js';
import { lockAccount, writeIntent } from './intent.js';

export interface TopUp {
  readonly accountId: string;
  readonly bucketId: string;
  readonly amount: Amount;
  /** The same key tops up once, however often it is asked for. Unique in the tenant. */
  readonly idempotencyKey: string;
  readonly actor: string;
  readonly reason: string | null;
}

/** `accepted`: durable, and carried out as soon as a process with the role `management` is there. */
export type TopUpOutcome = 'accepted' | 'repeated' | 'unknown-account';

export async function topUp(
  transact: Transact,
  { accountId, bucketId, amount, idempotencyKey, actor, reason }: TopUp,
  { clock }: { readonly clock: () => number },
): Promise<TopUpOutcome> {
  return transact(async (client) => {
    const account = await lockAccount(client, accountId);
    if (account === null) return 'unknown-account';
    const { rows } = await client.query(
      'SELECT FROM tolld.intents WHERE tenant = $1 AND idempotency_key = $2',
      [account.tenant, idempotencyKey],
    );
    if (rows.length > 0) return 'repeated';
    const body = { operations: [{ operation: 'add', bucketId, amount } as const], reason };
    await writeIntent(client, account, {
      kind: 'top-up',
      idempotencyKey,
      body,
      actor,
      now: clock(),
    });
    return 'accepted';
  });
}
