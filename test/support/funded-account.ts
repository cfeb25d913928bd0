/** Accounts with buckets, for tests that do not speak of how they came by them. */
import type { Engine } from '../../src/charging/engine.js';
import type { NewBucket } from '../../src/charging/event-codec.js';
import { creditAccount, provisionAccount } from '../../src/charging/provisioning.js';
import { START_MS, stamp } from './charge-requests.js';

/** An active account with these buckets. */
export async function fundAccount(
  engine: Engine,
  accountId: string,
  buckets: readonly NewBucket[],
  partition = 0,
): Promise<void> {
  const account = { partition, accountId, stamp, now: START_MS };
  await provisionAccount(engine, { ...account, standing: 'active', profileVersion: 1 });
  await creditAccount(engine, {
    ...account,
    intentNumber: 1,
    intentId: `${accountId}-1`,
    kind: 'grant',
    reason: null,
    operations: buckets.map((bucket) => ({ operation: 'grant', bucket })),
  });
}
