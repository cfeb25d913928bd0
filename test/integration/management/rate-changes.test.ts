/** Sessions under way are asked to come back when what they are rated by has changed. */
import { describe, expect, test } from 'vitest';
import { dueSteering } from '../../../src/charging/steering.js';
import { createCatalogHolder } from '../../../src/credit-control/catalog-holder.js';
import { createCreditControlMetrics } from '../../../src/credit-control/metrics.js';
import { createCreditControl } from '../../../src/credit-control/session.js';
import { createLogger } from '../../../src/observability/logger.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { gyRequest } from '../../support/operator.js';
import { testManagement } from './fixture.js';

const management = testManagement();
const { engine, load, newSynchroniser, pool } = management;
const logger = createLogger({ level: 'silent' });

const ACCOUNTS = [
  'own-tariff',
  'of-account',
  'of-plan',
  'of-other-plan',
  'other',
  'router',
] as const;
const phoneOf = (account: string): string =>
  `49170500000${ACCOUNTS.findIndex((a) => a === account)}`;

const operatorFile = (price: string): string => `
version: 1
tenants:
  - code: repriced
    timezone: Europe/Berlin
    resources: [{ code: EUR }]
    tariffs:
      - code: moving
        currency: EUR
        flatRates: [{ id: all, unit: octets, price: { amount: '${price}', per: 1 MB } }]
      - code: standing
        currency: EUR
        flatRates: [{ id: all, unit: octets, price: { amount: '1', per: 1 MB } }]
    plans:
      - { code: moved, tariff: moving }
      - { code: stays, tariff: standing }
    accounts:${ACCOUNTS.map(
      (id) => `
      - { id: ${id}, tariff: ${id === 'of-account' || id === 'router' ? 'moving' : 'standing'}, buckets: [{ id: main, resource: EUR, amount: '9' }] }`,
    ).join('')}
    subscribers:${ACCOUNTS.map(
      (id) => `
      - { id: ${id}, account: ${id}, identities: [{ kind: e164, value: '${phoneOf(id)}' }]${
        {
          'own-tariff': ', tariff: moving',
          'of-plan': ', plan: moved',
          'of-other-plan': ', plan: stays',
        }[id as string] ?? ''
      } }`,
    ).join('')}
`;

async function openSessions(): Promise<void> {
  const catalog = createCatalogHolder({ engine, logger });
  await catalog.refresh();
  const metrics = createCreditControlMetrics(createMetrics({ processMetrics: false }));
  const handle = createCreditControl(
    { requestsInFlightMax: 10 },
    { engine, catalog, logger, metrics, clock: Date.now },
  );
  for (const account of ACCOUNTS) {
    const identities = [{ kind: 'e164', value: phoneOf(account) }] as const;
    const services = [{ ratingGroup: null, serviceIdentifiers: [], used: [], requested: {} }];
    const protocol = account === 'router' ? 'radius' : 'gy';
    const outcome = await handle({
      ...gyRequest({ phase: 'initial', requestNumber: 0, services }),
      ...{ protocol, sessionId: `session of ${account}`, networkScope: 'default', identities },
    });
    expect(outcome).toMatchObject({ kind: 'answered', services: [{ result: 'granted' }] });
  }
}

async function asked(): Promise<readonly string[]> {
  const tasks = await Promise.all(
    [0, 1, 2, 3].map((partition) =>
      dueSteering(engine, partition, { now: Date.now() + 1_000, offset: 0, countMax: 100 }),
    ),
  );
  return tasks
    .flat()
    .map(({ member }) => member.replace('s:session of ', ''))
    .sort();
}

/** As if the wait before the next page were over. */
async function advance(perSecond: number, runs = 1): Promise<void> {
  for (let run = 0; run < runs; run += 1) {
    await pool.query('UPDATE tolld.rate_changes SET next_at = now()');
    await newSynchroniser({}, { reAuthorisationsPerSecond: perSecond }).runOnce();
  }
}

describe('a change of rates', () => {
  test('reaches Gy sessions whose tariff it is by account, subscriber or plan, page by page, once', async () => {
    await load(operatorFile('1'));
    await newSynchroniser().runOnce();
    await openSessions();
    await management.flushed();
    await load(operatorFile('2'));
    await newSynchroniser().runOnce();
    expect(await asked()).toEqual([]);
    await advance(2);
    expect(await asked()).toEqual(['of-account', 'of-plan']);
    await advance(2, 2);
    expect(await asked()).toEqual(['of-account', 'of-plan', 'own-tariff']);
    const { rows } = await pool.query(
      'SELECT tariffs, plans, asked, finished_at IS NOT NULL AS finished FROM tolld.rate_changes',
    );
    expect(rows).toEqual([{ tariffs: ['moving'], plans: ['moved'], asked: '3', finished: true }]);
  });

  test('asks nobody where the operator wants it so', async () => {
    const before = await asked();
    await load(operatorFile('3'));
    await newSynchroniser().runOnce();
    await advance(0);
    expect(await asked()).toEqual(before);
    const { rows } = await pool.query(
      'SELECT asked FROM tolld.rate_changes WHERE finished_at IS NOT NULL ORDER BY config_version',
    );
    expect(rows).toEqual([{ asked: '3' }, { asked: '0' }]);
  });
});
