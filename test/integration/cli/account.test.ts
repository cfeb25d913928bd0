import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { createEngineConnection } from '../../../src/charging/engine-connection.js';
import { decodeEntry } from '../../../src/charging/event-codec.js';
import { openKeySpace } from '../../../src/charging/partitions.js';
import { creditAccount, provisionAccount } from '../../../src/charging/provisioning.js';
import { createOutboxStreams } from '../../../src/charging/stream.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { main } from '../../../src/main.js';
import { createLogger } from '../../../src/observability/logger.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { createFlusher } from '../../../src/outbox/flusher.js';
import { createOutboxMetrics } from '../../../src/outbox/metrics.js';
import { untilRecorded } from '../../../src/outbox/recorded.js';
import { createFlushLeases } from '../../../src/records/flush-leases.js';
import { createFlushSink } from '../../../src/records/flush-sink.js';
import { managementStamp, newBucket } from '../../support/charge-requests.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';

const redis = testRedis();
const database = testDatabase();
const logger = createLogger({ level: 'silent' });
const PARTITIONS = 2;
const GRANTED_AT = Date.UTC(2026, 0, 15);

async function insertAccount(tenant: string, id: string, externalId = 'a-1'): Promise<void> {
  await database.pool.query(
    `INSERT INTO tolld.tenants (id, moniker, name) VALUES ($1, $1, $1) ON CONFLICT DO NOTHING`,
    [tenant],
  );
  await database.pool.query(
    `INSERT INTO tolld.accounts (id, tenant, external_id, partition) VALUES ($1, $2, $3, 1)`,
    [id, tenant, externalId],
  );
}

/** One account with ten euros, provisioned, credited and flushed as the daemon would. */
async function chargeAndFlush(): Promise<void> {
  const connection = createEngineConnection(
    {
      url: redis.url,
      keyPrefix: redis.prefix,
      name: 'test',
      commandTimeoutMs: 2_000,
      requestTimeoutMs: 5_000,
    },
    { logger },
  );
  await connection.open();
  const { engine } = connection;
  await openKeySpace(engine, PARTITIONS, null);
  const account = { partition: 1, accountId: 'acc-1', stamp: managementStamp, now: GRANTED_AT };
  await provisionAccount(engine, { ...account, standing: 'active', profileVersion: 1 });
  await creditAccount(engine, {
    ...account,
    intentNumber: 1,
    intentId: randomUUID(),
    kind: 'top-up',
    reason: null,
    operations: [
      {
        operation: 'grant',
        bucket: newBucket('main', 'EUR', 10_500_000, { priority: 10, createdAt: GRANTED_AT }),
      },
    ],
  });
  const member = { ...account, accountId: 'acc-3' };
  await provisionAccount(engine, { ...member, standing: 'active', profileVersion: 1 });
  await creditAccount(engine, {
    ...member,
    intentNumber: 1,
    intentId: randomUUID(),
    kind: 'grant',
    reason: null,
    operations: [
      { operation: 'grant', bucket: newBucket('own', 'EUR', 5_000_000) },
      {
        operation: 'set-thresholds',
        thresholds: [
          { id: 'low', resource: 'EUR', bundleId: null, level: { amount: toAmount(2_000_000) } },
          { id: 'half', resource: 'EUR', bundleId: null, level: { percent: 100 } },
        ],
      },
    ],
  });
  const streams = createOutboxStreams({ redis: engine.redis, keys: engine.keys });
  const leaseMs = 3_000;
  const flusher = createFlusher(
    { intervalMs: 5, batchEntriesMax: 100, leaseMs, trimAfterSeconds: 900 },
    {
      streams,
      sink: createFlushSink({ pool: database.pool }),
      leases: createFlushLeases(
        { holder: 'test', partitions: PARTITIONS, leaseMs },
        { pool: database.pool },
      ),
      decode: decodeEntry,
      logger,
      metrics: createOutboxMetrics(createMetrics({ processMetrics: false })),
    },
  );
  flusher.start();
  await untilRecorded({ partitions: PARTITIONS, timeoutMs: 10_000 }, { streams });
  await flusher.stop();
  await connection.close();
}

beforeAll(async () => {
  await insertAccount('acme', 'acc-1');
  await insertAccount('other', 'acc-2');
  await insertAccount('acme', 'acc-3', 'a-3');
  await database.pool.query(
    `INSERT INTO tolld.subscriptions (id, tenant, account_id, plan, plan_revision)
     VALUES ('sub-1', 'acme', 'acc-1', 'home', 2)`,
  );
  await database.pool.query(
    `INSERT INTO tolld.sharing_groups (tenant, id, owner_account_id, definition)
     VALUES ('acme', 'family', 'acc-1', $1)`,
    [{ order: 'shared-first', resources: ['EUR'], scope: { ratingGroups: [7] } }],
  );
  await database.pool.query(
    `UPDATE tolld.accounts SET sharing_group = 'family' WHERE id = 'acc-3'`,
  );
  await database.pool.query(
    `INSERT INTO tolld.resources (tenant, code, kind, scale) VALUES ('acme', 'EUR', 'money', 6)`,
  );
  await chargeAndFlush();
});

async function run(args: readonly string[]) {
  const out: string[] = [];
  const notes: string[] = [];
  const exitCode = await main(args, {
    terminal: { out: (line) => out.push(line), note: (line) => notes.push(line) },
    environment: {
      TOLLD_POSTGRES_URL: database.url,
      TOLLD_REDIS_URL: redis.url,
      TOLLD_REDIS_KEY_PREFIX: redis.prefix,
    },
  });
  return { exitCode, out: out.join('\n'), notes: notes.join('\n') };
}

describe('tolld account show', () => {
  test('shows the buckets of an account in units that people use', async () => {
    const { exitCode, out } = await run(['account', 'show', 'acc-1']);
    expect(exitCode).toBe(0);
    expect(out).toContain('account acc-1, tenant acme, external id a-1');
    expect(out).toMatch(/^1 +main +EUR +10 +active +10\.5 +0 +10\.5 +- +first$/m);
    expect(out).toContain('No open session.');
    expect(out).toMatch(/ledger +top-up +main \+10\.5 -> 10\.5/);
  });

  test('says what the account is part of', async () => {
    const { out } = await run(['account', 'show', 'acc-1']);
    expect(out).toContain('subscription sub-1 (active): plan home, revision 2');
    expect(out).toContain(
      "sharing group family (active): owner, drawn on by acc-3; at one priority the owner's buckets " +
        'first; EUR; only rating groups 7',
    );
    const { out: other } = await run(['account', 'show', 'acc-3']);
    expect(other).toContain('sharing group family (active): member, draws on acc-1;');
  });

  test("shows a member the owner's buckets where they would be used", async () => {
    const { out } = await run(['account', 'show', 'acc-3']);
    expect(out).toMatch(
      /^1 +main of acc-1 +EUR +10 .* first; only rating groups 7, by the group$/m,
    );
    expect(out).toMatch(/^2 +own +EUR +20 .* after main: priority 20$/m);
    const { out: json } = await run(['account', 'show', 'acc-3', '--json']);
    expect(JSON.parse(json)).toMatchObject({
      buckets: [
        { bucketId: 'main', ownerAccountId: 'acc-1', use: 1 },
        { bucketId: 'own', use: 2 },
      ],
    });
  });

  test('says what watches the balance, and whether it would fire', async () => {
    const { out } = await run(['account', 'show', 'acc-3']);
    expect(out).toMatch(/^low +EUR +2 +armed: fires at the next crossing$/m);
    expect(out).toMatch(
      /^half +EUR +100 % of what was granted +fired: armed again above its level$/m,
    );
    const { out: json } = await run(['account', 'show', 'acc-3', '--json']);
    expect(JSON.parse(json)).toMatchObject({
      thresholds: [
        { id: 'low', armed: true },
        { id: 'half', armed: false },
      ],
    });
  });

  test('prints JSON in smallest units', async () => {
    const { out } = await run(['account', 'show', 'acc-1', '--json']);
    expect(JSON.parse(out)).toMatchObject({
      tenant: 'acme',
      accountId: 'acc-1',
      buckets: [{ bucketId: 'main', remaining: 10_500_000, use: 1, why: ['first'] }],
      subscriptions: [{ id: 'sub-1', plan: 'home', revision: 2, state: 'active' }],
      groups: [{ id: 'family', ownerAccountId: 'acc-1', members: ['acc-3'], memberCount: 1 }],
      sessions: [],
      events: [{ kind: 'account' }, { kind: 'ledger' }],
    });
  });

  test('finds an account by its external id, and asks for the tenant where it must', async () => {
    const unclear = await run(['account', 'show', 'a-1']);
    expect(unclear).toMatchObject({ exitCode: 1, out: '' });
    expect(unclear.notes).toContain('several tenants (acme, other)');
    expect(await run(['account', 'show', 'a-1', '--tenant', 'acme'])).toMatchObject({
      exitCode: 0,
    });
  });

  test('says what is missing: everything, or only the state in Redis', async () => {
    expect((await run(['account', 'show', 'nobody'])).notes).toContain('no account has the id');
    expect((await run(['account', 'show', 'acc-2'])).notes).toContain('not in Redis (partition 1)');
  });
});

describe('tolld events', () => {
  test('lists what happened in the order in which it happened', async () => {
    const { out } = await run(['events', '--account', 'acc-1', '--json']);
    const events = JSON.parse(out) as { sequence: number; kind: string; change: string }[];
    expect(events.map(({ sequence, kind, change }) => [sequence, kind, change])).toEqual([
      [1, 'account', 'created'],
      [2, 'ledger', 'top-up'],
    ]);
    expect(events[1]).toMatchObject({
      at: GRANTED_AT,
      impacts: [{ bucketId: 'main', delta: 10_500_000, after: 10_500_000 }],
    });
  });

  test('shows amounts in units that people use', async () => {
    const { out } = await run(['events', '--account', 'acc-1']);
    expect(out).toMatch(/ledger +top-up +main \+10\.5 -> 10\.5/);
  });

  test('shows only what is asked for', async () => {
    const since = async (text: string) =>
      JSON.parse(
        (await run(['events', '--account', 'acc-1', '--since', text, '--json'])).out,
      ) as unknown[];
    expect(await since('2026-01-15')).toHaveLength(2);
    expect(await since('2026-01-16T00:00:00Z')).toHaveLength(0);
    const { out } = await run(['events', '--account', 'acc-1', '--limit', '1', '--json']);
    expect(JSON.parse(out)).toMatchObject([{ sequence: 2 }]);
  });

  test('refuses a time or a number that is none', async () => {
    const command = ['events', '--account', 'acc-1'];
    expect(await run([...command, '--since', 'soon'])).toMatchObject({ exitCode: 2 });
    expect(await run([...command, '--limit', '0'])).toMatchObject({ exitCode: 2 });
  });
});
