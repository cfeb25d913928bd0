import { beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/charging/engine.js';
import { engineTime } from '../../../src/charging/origin-states.js';
import { readSession } from '../../../src/charging/session-snapshot.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { createCatalogHolder } from '../../../src/credit-control/catalog-holder.js';
import { createCreditControlMetrics } from '../../../src/credit-control/metrics.js';
import {
  createRestarts,
  type GatewayStart,
  type Restarts,
} from '../../../src/credit-control/restarts.js';
import { createCreditControl } from '../../../src/credit-control/session.js';
import { toAmount } from '../../../src/domain/amounts.js';
import type { CreditControlHandler } from '../../../src/domain/credit-control.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { silentLogger, testEngines } from '../../support/charging-engine.js';
import { ACCOUNT, gyRequest, openOperator } from '../../support/operator.js';

const engines = testEngines();
const GATEWAY = 'pgw1.home.example';
const OTHER = 'pgw2.home.example';
let engine: Engine;
let handle: CreditControlHandler;
let open: string[] = [];

beforeEach(async () => {
  engine = await engines.fresh();
  open = [];
  await openOperator(engine, { octets: 1000, money: 0 });
  const catalog = createCatalogHolder({ engine, logger: silentLogger });
  await catalog.refresh();
  handle = createCreditControl(
    { requestsInFlightMax: 10 },
    {
      engine,
      catalog,
      logger: silentLogger,
      metrics: createCreditControlMetrics(createMetrics({ processMetrics: false })),
      clock: Date.now,
    },
  );
});

/** What a process knows; sessions heard of in the last `heardLatelyMs` are left alone. */
function process(heardLatelyMs = 0): Restarts {
  return createRestarts(
    { heardLatelyMs },
    {
      engine,
      async *openSessions(peer) {
        if (peer === 'relay') yield* open.map((id) => [id]);
      },
      logger: silentLogger,
    },
  );
}

/** A session of this gateway that holds 100 octets. */
async function openSession(sessionId: string, host = GATEWAY): Promise<void> {
  const outcome = await handle(
    gyRequest({
      phase: 'initial',
      requestNumber: 0,
      sessionId,
      peer: 'relay',
      origin: { host, realm: 'home.example' },
      services: [
        {
          ratingGroup: 10,
          serviceIdentifiers: [],
          used: [],
          requested: { octets: toAmount(100) },
        },
      ],
    }),
  );
  expect(outcome.kind).toBe('answered');
  open.push(sessionId);
}

async function reserved(): Promise<number> {
  const account = await readAccount(engine, 0, ACCOUNT);
  return (account?.buckets ?? []).reduce((sum, bucket) => sum + bucket.reserved, 0);
}

function started(originStateId: number, originHost = GATEWAY): GatewayStart {
  return { peer: 'relay', originHost, originStateId };
}

/** Until what was heard before is in the past, by the clock of the scripts. */
async function nextMoment(): Promise<void> {
  const now = await engineTime(engine);
  await expect.poll(() => engineTime(engine), { interval: 1 }).toBeGreaterThan(now);
}

describe('a gateway that starts anew', () => {
  beforeEach(async () => {
    await process().noticed(started(5));
    await openSession('of the gateway');
    await nextMoment();
  });

  it('has lost its sessions, and what they held is free again', async () => {
    expect(await reserved()).toBe(100);
    await process().noticed(started(6));
    expect(await reserved()).toBe(0);
    const closed = await readSession(engine, 0, 'of the gateway');
    expect(closed?.state).toBe('expired');
  });

  it('is known to every process, whichever it told before', async () => {
    const other = createRestarts(
      { heardLatelyMs: 0 },
      { engine, openSessions: openSessionsFails, logger: silentLogger },
    );
    await other.noticed(started(5));
    await expect(other.noticed(started(6))).rejects.toThrow('not asked for before');
  });

  it.each([
    ['the same start', 5],
    ['an earlier one', 4],
    ['no start', 0],
  ])('is not believed of %s', async (_what, originStateId) => {
    await process().noticed(started(originStateId));
    expect(await reserved()).toBe(100);
  });

  it('keeps what was heard of lately, which may be of the gateway that came back', async () => {
    await process(60_000).noticed(started(6));
    expect(await reserved()).toBe(100);
  });

  it('ends nothing of another gateway behind the same relay', async () => {
    await openSession('of another', OTHER);
    await nextMoment();
    await process().noticed(started(6));
    expect(await reserved()).toBe(100);
    await process().noticed(started(9, OTHER));
    expect(await reserved()).toBe(100);
    await process().noticed(started(10, OTHER));
    expect(await reserved()).toBe(0);
  });

  it('charges a late report of a session that ended so, once', async () => {
    await process().noticed(started(6));
    const report = gyRequest({
      phase: 'terminate',
      requestNumber: 1,
      sessionId: 'of the gateway',
      peer: 'relay',
      services: [{ ratingGroup: 10, serviceIdentifiers: [], used: [{ octets: toAmount(40) }] }],
    });
    await handle(report);
    await handle(report);
    const account = await readAccount(engine, 0, ACCOUNT);
    const octets = account?.buckets.find(({ resource }) => resource === 'octets');
    expect(octets?.remaining).toBe(960);
  });
});

// eslint-disable-next-line require-yield
async function* openSessionsFails(): AsyncGenerator<readonly string[]> {
  throw new Error('not asked for before');
}
