/** What reaches Redis of what management wrote, and what is done where it cannot. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { publishProfile, publishConfiguration } from '../../../src/charging/provisioning.js';
import { createCatalogHolder } from '../../../src/credit-control/catalog-holder.js';
import { createCreditControlMetrics } from '../../../src/credit-control/metrics.js';
import { createCreditControl } from '../../../src/credit-control/session.js';
import { toAmount } from '../../../src/domain/amounts.js';
import type { CreditControlOutcome, ServiceRequest } from '../../../src/domain/credit-control.js';
import { republishAll } from '../../../src/management/balances/profile-audit.js';
import { createLogger } from '../../../src/observability/logger.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { collectingLogger } from '../../support/collecting-logger.js';
import { gyRequest } from '../../support/operator.js';
import { testManagement } from './fixture.js';

const management = testManagement();
const { engine, load, newSynchroniser, pool, transact } = management;
const silent = createLogger({ level: 'silent' });

const AUDIT = { auditIntervalMs: 0 };

/** An account of its own for each test. */
function fileOf(account: string, phone: string, more = ''): string {
  return `
version: 1
tenants:
  - code: sync
    resources: [{ code: EUR }]
    tariffs:
      - code: flat
        currency: EUR
        flatRates: [{ id: all, unit: octets, price: { amount: '1', per: 1 MB } }]
        quotas: [{ unit: octets, default: 1 MB, maximum: 1 MB, minimum: 1, sharePercent: 100 }]
    accounts:
      - id: ${account}
        tariff: flat
        buckets:
          - { id: main, resource: EUR, amount: '1.00' }
          ${more}
    subscribers: [{ id: ${account}, account: ${account}, identities: [{ kind: e164, value: '${phone}' }] }]
`;
}

async function intentsOf(account: string) {
  const { rows } = await pool.query<{ state: string; refusal: string | null }>(
    'SELECT state, refusal FROM tolld.intents WHERE account_id = $1 ORDER BY number',
    [account],
  );
  return rows;
}

async function ask(
  phone: string,
  serviceContext: string,
  requested: ServiceRequest['requested'],
): Promise<CreditControlOutcome> {
  const catalog = createCatalogHolder({ engine, logger: silent });
  await catalog.refresh();
  const handle = createCreditControl(
    { requestsInFlightMax: 10 },
    {
      engine,
      catalog,
      logger: silent,
      metrics: createCreditControlMetrics(createMetrics({ processMetrics: false })),
      clock: Date.now,
    },
  );
  return handle({
    ...gyRequest({ phase: 'initial', requestNumber: 0 }),
    sessionId: `session of ${phone} in ${serviceContext}`,
    networkScope: 'default',
    identities: [{ kind: 'e164', value: phone }],
    serviceContext,
    services: [
      {
        ratingGroup: null,
        serviceIdentifiers: [],
        used: [],
        ...(requested !== undefined && { requested }),
      },
    ],
  });
}

test('an operator from examples/ is charged by its own file', async () => {
  await load(readFileSync('examples/operator.yaml', 'utf8'));
  expect(await newSynchroniser().runOnce()).toMatchObject({ accounts: 4, failed: 0 });
  const data = await ask('491700000001', '32251@3gpp.org', {});
  expect(data).toMatchObject({
    kind: 'answered',
    services: [{ result: 'granted', granted: { unit: 'octets', amount: 10_000_000 } }],
  });
  const voice = await ask('491700000003', '32260@3gpp.org', { seconds: toAmount(90) });
  expect(voice).toMatchObject({
    services: [{ result: 'granted', granted: { unit: 'seconds', amount: 90 } }],
  });
  const held = await management.account('carol');
  // Whole minutes of the allowance before money.
  expect(held?.buckets.map(({ bucketId, reserved }) => [bucketId, reserved])).toEqual([
    ['minutes', 120],
    ['main', 0],
  ]);
  expect(await ask('491799999999', '32251@3gpp.org', {})).toMatchObject({
    kind: 'refused',
    refusal: 'unknown-subscriber',
  });
  await management.flushed();
  expect(await intentsOf('alice')).toEqual([
    { state: 'applied', refusal: null },
    { state: 'applied', refusal: null },
  ]);
});

describe('an intent', () => {
  test('that the engine refuses is settled with its reason, and those behind it go on', async () => {
    await load(fileOf('refused', '4910001'));
    await newSynchroniser().runOnce();
    // Somebody else asks for the same bucket, and for another.
    await pool.query(
      `WITH bucket AS (SELECT body, tenant FROM tolld.intents WHERE account_id = 'refused')
       INSERT INTO tolld.intents (id, tenant, account_id, number, idempotency_key, kind, body)
       SELECT 'again', tenant, 'refused', 2, 'again', 'grant', body FROM bucket
       UNION ALL
       SELECT 'other', tenant, 'refused', 3, 'other', 'grant',
         jsonb_set(body, '{operations,0,bucket,bucketId}', '"other"') FROM bucket`,
    );
    expect(await newSynchroniser().runOnce()).toMatchObject({ failed: 0 });
    await management.flushed();
    expect(await intentsOf('refused')).toEqual([
      { state: 'applied', refusal: null },
      { state: 'refused', refusal: 'bucket-exists' },
      { state: 'applied', refusal: null },
    ]);
    expect((await management.account('refused'))?.buckets).toHaveLength(2);
  });

  test('is not applied over a gap that the record takes for applied', async () => {
    await load(fileOf('gap', '4910002', "- { id: more, resource: EUR, amount: '2.00' }"));
    await pool.query(
      `UPDATE tolld.intents SET state = 'applied' WHERE account_id = 'gap' AND number = 1`,
    );
    const log = collectingLogger();
    expect(await newSynchroniser({ logger: log.logger }).runOnce()).toMatchObject({ failed: 1 });
    expect(log.lines.find(({ level }) => level === 'error')?.fields['err']).toMatchObject({
      code: 'TOLLD_INTENT_GAP',
    });
    expect((await management.account('gap'))?.buckets).toEqual([]);
    await pool.query(
      `UPDATE tolld.intents SET state = 'pending' WHERE account_id = 'gap' AND number = 1`,
    );
    expect(await newSynchroniser().runOnce()).toMatchObject({ failed: 0 });
    expect((await management.account('gap'))?.buckets).toHaveLength(2);
  });

  test('is sent once while its event is awaited, and again when it does not come', async () => {
    let now = 1_000_000;
    let calls = 0;
    const synchroniser = newSynchroniser({
      clock: () => now,
      engine: {
        ...management.face,
        creditAccount: (credit) => {
          calls += 1;
          return management.face.creditAccount(credit);
        },
      },
    });
    await load(fileOf('awaited', '4910003'));
    await synchroniser.runOnce();
    await management.flushed();
    // As if the event had been lost on its way.
    await pool.query(`UPDATE tolld.intents SET state = 'pending' WHERE account_id = 'awaited'`);
    const before = calls;
    await synchroniser.runOnce();
    expect(calls).toBe(before);
    now += 30_000;
    await synchroniser.runOnce();
    expect(calls).toBe(before + 1);
    // Each time it is awaited for twice as long.
    now += 30_000;
    await synchroniser.runOnce();
    expect(calls).toBe(before + 1);
    now += 30_000;
    await synchroniser.runOnce();
    expect(calls).toBe(before + 2);
    expect((await management.account('awaited'))?.buckets).toMatchObject([
      { remaining: 1_000_000 },
    ]);
    await pool.query(`UPDATE tolld.intents SET state = 'applied' WHERE account_id = 'awaited'`);
  });

  test('is looked for the less often by the interval the more of them are awaited', async () => {
    let now = 1_000_000;
    const synchroniser = newSynchroniser({ clock: () => now });
    await load(fileOf('patient', '4910005'));
    await synchroniser.runOnce({ isPatient: true });
    await load(fileOf('patient', '4910005', "- { id: more, resource: EUR, amount: '2.00' }"));
    await pool.query(
      `UPDATE tolld.publications SET published_at = now() WHERE subject = 'patient'`,
    );
    expect(await synchroniser.runOnce({ isPatient: true })).toMatchObject({ accounts: 0 });
    now += 1_000;
    expect(await synchroniser.runOnce({ isPatient: true })).toMatchObject({ accounts: 1 });
    await management.flushed();
    expect((await management.account('patient'))?.buckets).toHaveLength(2);
  });

  test('that lifts an exhausted account has the sessions that wait for it steered', async () => {
    await load(fileOf('starved', '4910004'));
    await newSynchroniser().runOnce();
    // All that is there: one megabyte for one euro.
    expect(await ask('4910004', '32251@3gpp.org', { octets: toAmount(1_000_000) })).toMatchObject({
      services: [{ result: 'granted', finalUnit: { action: 'terminate' } }],
    });
    await load(fileOf('starved', '4910004', "- { id: more, resource: EUR, amount: '5.00' }"));
    await newSynchroniser().runOnce();
    const { rows } = await pool.query<{ partition: number }>(
      `SELECT partition FROM tolld.accounts WHERE id = 'starved'`,
    );
    const steer = engine.keys.steer(rows[0]?.partition ?? -1);
    const raised = await engine.redis.zrange(steer, '0', '-1');
    expect(raised).toEqual(['s:session of 4910004 in 32251@3gpp.org']);
  });
});

describe('an account', () => {
  test('in a fenced partition waits, and others do not wait for it', async () => {
    const names = Array.from({ length: 6 }, (_, index) => `fenced-${index}`);
    for (const [index, name] of names.entries()) await load(fileOf(name, `491001${index}`));
    const { rows } = await pool.query<{ id: string; partition: number }>(
      `SELECT id, partition FROM tolld.accounts WHERE id = ANY ($1)`,
      [names],
    );
    const fenced = rows[0]?.partition ?? 0;
    const behind = rows.filter(({ partition }) => partition === fenced);
    expect(behind.length).toBeLessThan(names.length);
    const control = engine.keys.control(fenced);
    const open = (await engine.redis.get(control)) ?? '';
    await engine.redis.set(control, `fenced:${open}`);
    await management.flushed();
    const report = await newSynchroniser().runOnce();
    await engine.redis.set(control, open);
    expect(report).toMatchObject({
      accounts: names.length - behind.length,
      failed: behind.length,
    });
    expect(await newSynchroniser().runOnce()).toMatchObject({ failed: 0 });
    for (const name of names) expect((await management.account(name))?.buckets).toHaveLength(1);
  });

  test('whose subscriber left it is found no more, and the other way round', async () => {
    const both = (account: string): string => `
version: 1
tenants:
  - code: sync
    accounts: [{ id: left, tariff: flat }, { id: right, tariff: flat }]
    subscribers: [{ id: mover, account: ${account}, identities: [{ kind: e164, value: '4910020' }] }]
`;
    await load(both('left'));
    await newSynchroniser().runOnce();
    const before = await management.profile('4910020');
    expect(before).toMatchObject({ accountId: 'left', version: 1 });
    await load(both('right'));
    await newSynchroniser().runOnce();
    expect(await management.profile('4910020')).toMatchObject({ accountId: 'right', version: 2 });
    // What a front remembers of the account that was left is stale now.
    expect((await management.account('left'))?.profileVersion).toBe(2);
  });
});

describe('the audit', () => {
  test('has profiles published anew that Redis lost or that were overwritten late', async () => {
    await load(fileOf('audited', '4910030'));
    await newSynchroniser().runOnce();
    const profile = await management.profile('4910030');
    if (profile === null) throw new Error('no profile');
    const identity = { kind: 'e164', value: '4910030' } as const;
    await publishProfile(engine, 'default', identity, { ...profile, version: 0 });
    await newSynchroniser({}, AUDIT).runOnce();
    expect(await management.profile('4910030')).toEqual(profile);
    await engine.redis.del(engine.keys.identity('default', identity));
    await newSynchroniser({}, AUDIT).runOnce();
    expect(await management.profile('4910030')).toEqual(profile);
  });

  test('finds nothing to do where all is well', async () => {
    await newSynchroniser({}, AUDIT).runOnce();
    expect(await newSynchroniser({}, AUDIT).runOnce()).toEqual({
      configVersion: null,
      accounts: 0,
      failed: 0,
    });
  });

  test('can be asked for all accounts at once', async () => {
    await engine.redis.del(engine.keys.identity('default', { kind: 'e164', value: '4910030' }));
    await republishAll(transact);
    const { rows } = await pool.query<{ count: number }>(
      'SELECT count(*)::int FROM tolld.accounts',
    );
    expect(await newSynchroniser().runOnce()).toMatchObject({ accounts: rows[0]?.count });
    expect(await management.profile('4910030')).toMatchObject({ accountId: 'audited' });
  });
});

describe('the configuration', () => {
  test('is published again to a Redis that has an older one, or none', async () => {
    await load(fileOf('config', '4910040'));
    await newSynchroniser().runOnce();
    const published = await management.configuration();
    await engine.redis.del(engine.keys.config);
    await newSynchroniser().runOnce();
    expect(await management.configuration()).toEqual(published);
    await publishConfiguration(engine, 0, '{}');
    await newSynchroniser().runOnce();
    expect(await management.configuration()).toEqual(published);
  });

  test('of a Redis that is newer than the record stays, and is complained of', async () => {
    const published = await management.configuration();
    await publishConfiguration(engine, 1_000, '{"other":true}');
    await load(fileOf('config', '4910040').replace('1 MB }', '2 MB }'));
    const log = collectingLogger();
    await newSynchroniser({ logger: log.logger }).runOnce();
    expect(log.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { fields: { held: 1_000 } },
    ]);
    expect(await management.configuration()).toMatchObject({ version: 1_000 });
    await publishConfiguration(engine, published?.version ?? 0, published?.document ?? '');
    await newSynchroniser().runOnce();
    expect((await management.configuration())?.version).toBeGreaterThan(published?.version ?? 0);
  });
});

test('a running synchroniser brings over what is loaded, and stops when told', async () => {
  const synchroniser = newSynchroniser();
  synchroniser.start();
  await load(fileOf('running', '4910050'));
  synchroniser.wake();
  await expect.poll(() => management.profile('4910050')).toMatchObject({ accountId: 'running' });
  await synchroniser.stop();
  await load(fileOf('stopped', '4910051'));
  synchroniser.wake();
  expect(await management.profile('4910051')).toBeNull();
});

test('an outage is told when it begins and when it is over, however often it is tried meanwhile', async () => {
  const { logger, lines } = collectingLogger();
  let tries = 0;
  let isAway = true;
  const synchroniser = newSynchroniser(
    {
      logger,
      transact: (work) => {
        tries += 1;
        return isAway ? Promise.reject(new Error('nobody there')) : transact(work);
      },
    },
    { intervalMs: 1 },
  );
  const told = (level: string) =>
    lines.flatMap((line) => (line.level === level ? [line.message] : []));
  synchroniser.start();
  await expect.poll(() => tries).toBeGreaterThan(5);
  expect(told('warn')).toEqual(['configuration not brought to redis; it is tried again']);
  isAway = false;
  await expect
    .poll(() => told('info'), { timeout: 10_000 })
    .toContain('configuration is brought to redis again');
  await synchroniser.stop();
  expect(told('warn')).toHaveLength(1);
});
