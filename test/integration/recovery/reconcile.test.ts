import { beforeAll, describe, expect, test } from 'vitest';
import * as layout from '../../../src/charging/generated/layout.js';
import { pack, unpackBytes, type Packable } from '../../../src/charging/packing.js';
import { charge } from '../../../src/charging/charge.js';
import { main } from '../../../src/main.js';
import { verify } from '../../../src/recovery/verify.js';
import { chargeRequest, newBucket } from '../../support/charge-requests.js';
import { fundAccount } from '../../support/funded-account.js';
import { recordedEngine } from '../../support/recorded-engine.js';

const stores = recordedEngine();
const ACCOUNTS = ['even', 'more', 'less'];
/** As staff asked for what the accounts are funded with. */
const GRANT = {
  operations: [{ operation: 'grant', bucket: { bucketId: 'main', granted: 1_000 } }],
  reason: null,
};

beforeAll(async () => {
  const { pool, engine } = stores;
  await pool.query(`INSERT INTO tolld.tenants (id, moniker, name) VALUES ('test', 'test', 'test')`);
  for (const id of ACCOUNTS) {
    await pool.query(
      `INSERT INTO tolld.accounts (id, tenant, partition, last_intent) VALUES ($1, 'test', 0, 1)`,
      [id],
    );
    await pool.query(
      `INSERT INTO tolld.intents (id, tenant, account_id, number, idempotency_key, kind, body)
       VALUES ($1, 'test', $2, 1, $1, 'grant', $3)`,
      [`${id}-1`, id, GRANT],
    );
    await fundAccount(engine, id, [newBucket('main', 'octets', 1_000)]);
    const used = { accountId: id, sessionId: `s-${id}`, phase: 'initial', number: 0 } as const;
    await charge(engine, chargeRequest({ ...used, used: 100, want: 10 }));
  }
  await stores.recorded();
});

/** What a bug or a hand in Redis would do. */
async function moveBucket(accountId: string, by: number): Promise<void> {
  const { redis, keys } = stores.engine;
  const key = keys.account(0, accountId);
  const account = unpackBytes((await redis.getBuffer(key)) ?? Buffer.alloc(0)) as Packable[];
  const buckets = account[layout.ACCOUNT_BUCKETS - 1] as Packable[];
  const bucket = unpackBytes(buckets[2] as Buffer) as Packable[];
  bucket[layout.BUCKET_REMAINING - 1] = (bucket[layout.BUCKET_REMAINING - 1] as number) + by;
  buckets[2] = pack(bucket);
  await redis.set(key, pack(account));
}

async function run(...args: readonly string[]) {
  const lines: string[] = [];
  const exitCode = await main(['reconcile', ...args], {
    terminal: { out: (line) => void lines.push(line), note: () => undefined },
    environment: {
      REDIS_URL: stores.redisUrl(),
      DATABASE_URL: stores.databaseUrl,
      TOLLD_REDIS_KEY_PREFIX: stores.prefix,
    },
  });
  return { exitCode, text: lines.join('\n') };
}

describe('tolld reconcile', () => {
  test('says nothing where nothing differs', async () => {
    expect(await run()).toEqual({ exitCode: 0, text: 'No difference in 3 buckets of 3 accounts.' });
  });

  test('prints each difference, books it once, and leaves what Redis holds', async () => {
    await moveBucket('more', 50);
    await moveBucket('less', -7);
    const seen = await run();
    expect(seen.exitCode).toBe(1);
    expect(seen.text).toMatch(/^less +main +893 +900 +-7 +octets$/m);
    expect(seen.text).toMatch(/^more +main +950 +900 +50 +octets$/m);
    expect(seen.text).toContain('2 differences in 3 buckets of 3 accounts.');

    const repaired = await run('--repair');
    expect(repaired.exitCode).toBe(1);
    expect(repaired.text.match(/booked$/gm)).toHaveLength(2);
    expect((await run('--repair')).exitCode).toBe(0);
    await stores.recorded();
    const { rows } = await stores.pool.query(
      `SELECT l.account_id, bucket_id, amount::int, balance_after::int, reason, i.state
       FROM tolld.ledger_entries l JOIN tolld.intents i ON i.id = l.intent_id
       WHERE l.kind = 'correction' ORDER BY l.account_id`,
    );
    const common = { bucket_id: 'main', reason: 'reconciled at event 4', state: 'applied' };
    expect(rows).toEqual([
      { account_id: 'less', amount: -7, balance_after: 893, ...common },
      { account_id: 'more', amount: 50, balance_after: 950, ...common },
    ]);
    const { engine, streams, pool, partitions } = stores;
    expect((await verify({ partitions }, { engine, streams, pool })).findings).toEqual([]);
  });

  test('books nothing on top of facts that are missing', async () => {
    const client = await stores.pool.connect();
    await client.query('ALTER TABLE tolld.rated_events DISABLE TRIGGER USER');
    await client.query(`DELETE FROM tolld.rated_events WHERE account_id = 'even'`);
    client.release();
    const { exitCode, text } = await run('--repair');
    expect(exitCode).toBe(1);
    expect(text).toContain('facts are missing or double');
    const { rows } = await stores.pool.query(
      `SELECT FROM tolld.intents WHERE account_id = 'even' AND kind = 'correction'`,
    );
    expect(rows).toEqual([]);
  });
});
