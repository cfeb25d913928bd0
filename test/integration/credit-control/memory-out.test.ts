/** A Redis at its maxmemory: what gateways and NAS report is taken, whatever of it is new to Redis. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/charging/engine.js';
import { publishProfile } from '../../../src/charging/provisioning.js';
import { findRoute } from '../../../src/charging/routing.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { createCatalogHolder } from '../../../src/credit-control/catalog-holder.js';
import { createCreditControlMetrics } from '../../../src/credit-control/metrics.js';
import { createCreditControl } from '../../../src/credit-control/session.js';
import { toAmount } from '../../../src/domain/amounts.js';
import type { CreditControlHandler, ServiceRequest } from '../../../src/domain/credit-control.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { openEngine, silentLogger } from '../../support/charging-engine.js';
import { ispProcess, openIsp, openSubscriber, report } from '../../support/isp.js';
import {
  ACCOUNT,
  gyRequest,
  IMSI,
  openAccount,
  openOperator,
  profileOf,
  SCOPE,
} from '../../support/operator.js';
import { startRedis } from '../../support/redis.js';

let engine: Engine;

beforeEach(async () => {
  const own = await startRedis();
  engine = await openEngine({ url: own.url });
});

/** Less than an empty server needs. */
const memoryIsOut = () => engine.redis.config('SET', 'maxmemory', '100kb');
const memoryIsBack = () => engine.redis.config('SET', 'maxmemory', '0');

async function gyProcess(): Promise<CreditControlHandler> {
  const catalog = createCatalogHolder({ engine, logger: silentLogger });
  await catalog.refresh();
  return createCreditControl(
    { requestsInFlightMax: 100 },
    {
      ...{ engine, catalog, logger: silentLogger, clock: Date.now },
      metrics: createCreditControlMetrics(createMetrics({ processMetrics: false })),
    },
  );
}

function used(octets: number, requested: number | null = null): readonly ServiceRequest[] {
  return [
    {
      ...{ ratingGroup: 10, serviceIdentifiers: [], used: [{ octets: toAmount(octets) }] },
      ...(requested !== null && { requested: { octets: toAmount(requested) } }),
    },
  ];
}

const answered = { kind: 'answered', repeated: false };

async function octetsLeft(accountId = ACCOUNT): Promise<number | undefined> {
  const account = await readAccount(engine, 0, accountId);
  return account?.buckets.find(({ resource }) => resource === 'octets')?.remaining;
}

describe('with memory out', { timeout: 60_000 }, () => {
  it('a session of which nothing is known is charged, and routed once there is room', async () => {
    await openOperator(engine, { octets: 1_000 });
    const handle = await gyProcess();
    await memoryIsOut();
    const update = gyRequest({ phase: 'update', requestNumber: 1, services: used(100, 50) });
    expect(await handle(update)).toMatchObject({
      ...answered,
      services: [{ result: 'service-denied' }],
    });
    expect(await octetsLeft()).toBe(900);
    expect(await handle(update), 'sent again').toMatchObject({ kind: 'answered', repeated: true });
    expect(await findRoute(engine, update.sessionId)).toBeNull();
    expect(
      await handle(
        gyRequest({ phase: 'initial', requestNumber: 0, sessionId: 'gateway.test;2;2' }),
      ),
      'grants wait for memory',
    ).toMatchObject({ kind: 'refused', refusal: 'unavailable' });

    await memoryIsBack();
    expect(
      await handle(gyRequest({ phase: 'update', requestNumber: 2, services: used(10, 50) })),
    ).toMatchObject(answered);
    expect(await octetsLeft()).toBe(890);
    expect(await findRoute(engine, update.sessionId)).toMatchObject({ accountId: ACCOUNT });

    await memoryIsOut();
    const end = { phase: 'terminate', requestNumber: 0, sessionId: 'gateway.test;3;3' } as const;
    expect(await handle(gyRequest({ ...end, services: used(40) }))).toMatchObject(answered);
    expect(await octetsLeft()).toBe(850);
  });

  it('a session is charged to whom it began with, though its identity has gone to another', async () => {
    await openOperator(engine, { octets: 1_000 });
    await openAccount(engine, { accountId: 'bert', imsi: '001010000000002', octets: 1_000 });
    const first = await gyProcess();
    await first(gyRequest({ phase: 'initial', requestNumber: 0, services: used(0, 100) }));
    await engine.redis.del(
      engine.keys.route(gyRequest({ phase: 'update', requestNumber: 1 }).sessionId),
    );
    await publishProfile(engine, SCOPE, { kind: 'imsi', value: IMSI }, profileOf('bert'));
    const handle = await gyProcess();
    await memoryIsOut();
    expect(
      await handle(gyRequest({ phase: 'update', requestNumber: 1, services: used(60, 100) })),
    ).toMatchObject(answered);
    expect([await octetsLeft(), await octetsLeft('bert')]).toEqual([940, 1_000]);
  });

  it('a NAS that has started anew has its sessions taken', async () => {
    await openIsp(engine);
    await openSubscriber(engine, { octets: 1_000_000 });
    const isp = await ispProcess(engine);
    await memoryIsOut();
    const start = { status: 'start', bootMark: 'new' } as const;
    expect(await isp.accounting(report({ ...start }))).toEqual({ kind: 'recorded' });
    const counters = {
      uploadOctets: toAmount(100),
      downloadOctets: toAmount(200),
      width: 64,
    } as const;
    expect(await isp.accounting(report({ status: 'stop', counters }))).toEqual({
      kind: 'recorded',
    });
    expect(await octetsLeft('anna')).toBe(1_000_000 - 300);
  });
});
