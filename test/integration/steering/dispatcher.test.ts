import { beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/charging/engine.js';
import { decodeEntry } from '../../../src/charging/event-codec.js';
import { entryOf } from '../../../src/charging/stream.js';
import { creditAccount, provisionAccount } from '../../../src/charging/provisioning.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { raiseSteering } from '../../../src/charging/steering.js';
import { createSteeringSignal } from '../../../src/charging/steering-signal.js';
import { createOutboxStreams } from '../../../src/charging/stream.js';
import { createSweeper } from '../../../src/credit-control/sweeper.js';
import { createCatalogHolder } from '../../../src/credit-control/catalog-holder.js';
import { createCreditControlMetrics } from '../../../src/credit-control/metrics.js';
import { createCreditControl } from '../../../src/credit-control/session.js';
import { toAmount } from '../../../src/domain/amounts.js';
import type { CreditControlHandler, RequestPhase } from '../../../src/domain/credit-control.js';
import type { SteeringEvent } from '../../../src/domain/events.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import {
  createSteeringDispatcher,
  type LiveSessions,
  type SteeringDispatcher,
} from '../../../src/steering/dispatcher.js';
import { silentLogger, testEngines } from '../../support/charging-engine.js';
import { stamp } from '../../support/charge-requests.js';
import { ACCOUNT, gyRequest, openOperator } from '../../support/operator.js';
import { scriptedSender, type ScriptedSender } from '../../support/scripted-sender.js';

const engines = testEngines();
const GATEWAY = 'pgw.gateway.test';
const SESSION = gyRequest({ phase: 'initial', requestNumber: 0 }).sessionId;
const SUBJECT = { partition: 0, accountId: ACCOUNT, sessionId: SESSION };

let engine: Engine;
let handle: CreditControlHandler;

beforeEach(async () => {
  engine = await engines.fresh();
  // Any grant takes the last of it.
  await openOperator(engine, { octets: 1 });
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

interface ProcessOptions {
  readonly node?: string;
  readonly live?: () => Promise<LiveSessions>;
  readonly attemptsMax?: number;
  readonly leaseMs?: number;
  readonly intervalMs?: number;
}

function processOf(sender: ScriptedSender, options: ProcessOptions = {}): SteeringDispatcher {
  const { node = 'a', live, ...more } = options;
  return createSteeringDispatcher(
    {
      node,
      partitions: 1,
      intervalMs: 20,
      leaseMs: 60_000,
      retryMs: 1,
      retryMaxMs: 1,
      attemptsMax: 3,
      inFlightMax: 10,
      ...more,
    },
    {
      engine,
      senders: { gy: sender },
      liveSessions: live ?? (async () => ({ sequence: 1_000, sessionIds: [SESSION] })),
      logger: silentLogger,
      metrics: createMetrics({ processMetrics: false }),
      clock: Date.now,
    },
  );
}

function reaching(answers: Parameters<typeof scriptedSender>[0]['answers'] = []): ScriptedSender {
  return scriptedSender({ reach: () => [`host:${GATEWAY}`], answers });
}

async function request(phase: RequestPhase, requestNumber: number, octets?: number): Promise<void> {
  const requested = octets === undefined ? {} : { requested: { octets: toAmount(octets) } };
  const services = [{ ratingGroup: 10, serviceIdentifiers: [], used: [], ...requested }];
  const outcome = await handle(gyRequest({ phase, requestNumber, services }));
  expect(outcome.kind).toBe('answered');
}

let intents = 1;
beforeEach(() => {
  intents = 1;
});

async function topUp(amount = 1_000): Promise<void> {
  intents += 1;
  const operation = {
    operation: 'add',
    bucketId: `${ACCOUNT}-data`,
    amount: toAmount(amount),
  } as const;
  const outcome = await creditAccount(engine, {
    partition: 0,
    accountId: ACCOUNT,
    stamp,
    intentNumber: intents,
    intentId: `i${intents}`,
    kind: 'top-up',
    reason: null,
    operations: [operation],
  });
  expect(outcome.kind).toBe('applied');
}

async function changeStanding(
  standing: 'active' | 'suspended',
  profileVersion: number,
): Promise<void> {
  await provisionAccount(engine, {
    partition: 0,
    accountId: ACCOUNT,
    stamp,
    standing,
    profileVersion,
  });
}

/** What the outbox says of steering. */
async function outcomes(): Promise<readonly Partial<SteeringEvent>[]> {
  const entries = await engine.redis.xrangeBuffer(engine.keys.outbox(0), '-', '+');
  return entries.flatMap(([id, fields]) =>
    decodeEntry(0, id.toString(), entryOf(fields)).accounts.flatMap(({ events }) =>
      events.flatMap((event) => (event.type === 'steering' ? [event] : [])),
    ),
  );
}

async function tasks(): Promise<number> {
  return engine.redis.zcard(engine.keys.steer(0));
}

describe('a credit after a session got its last units', () => {
  it('has the gateway asked once, and its answer recorded', async () => {
    await request('initial', 0, 2_000);
    await topUp();
    await topUp();
    const sender = reaching([{ outcome: 'accepted', detail: '2002' }]);
    const node = processOf(sender);
    await node.runOnce();
    await node.runOnce();
    expect(sender.sent).toMatchObject([
      { kind: 're-authorise', reason: 'credit', sessionId: SESSION, attempt: 1 },
    ]);
    expect(sender.sent[0]?.route.origin.host).toBe(GATEWAY);
    expect(await outcomes()).toMatchObject([
      { outcome: 'accepted', detail: '2002', attempt: 1, final: true, sessionId: SESSION },
    ]);
    expect(await tasks()).toBe(0);
  });

  it('is not told to a session that still has units', async () => {
    await topUp(1_000);
    await request('initial', 0, 100);
    await topUp();
    expect(await tasks()).toBe(0);
  });

  it('is not what a mere threshold is', async () => {
    await request('initial', 0, 100);
    await creditAccount(engine, {
      partition: 0,
      accountId: ACCOUNT,
      stamp,
      intentNumber: 2,
      intentId: 'thresholds',
      kind: 'adjustment',
      reason: null,
      operations: [{ operation: 'set-thresholds', thresholds: [] }],
    });
    expect(await tasks()).toBe(0);
    expect((await readAccount(engine, 0, ACCOUNT))?.starvedSessions).toEqual([SESSION]);
  });

  it('is told by one of two processes that both reach the gateway', async () => {
    await request('initial', 0, 2_000);
    await topUp();
    const senders = [reaching(), reaching()];
    await Promise.all(senders.map((sender, at) => processOf(sender, { node: `n${at}` }).runOnce()));
    expect(senders.flatMap(({ sent }) => sent)).toHaveLength(1);
  });

  it('is left to the process that reaches the gateway', async () => {
    await request('initial', 0, 100);
    const [near, far] = [reaching(), scriptedSender({ reach: () => [] })];
    const options = { intervalMs: 60_000 };
    const nearby = processOf(near, { node: 'near', ...options });
    await nearby.runOnce();
    await topUp();
    await processOf(far, { node: 'far', ...options }).runOnce();
    expect(await tasks()).toBe(1);
    await nearby.runOnce();
    expect(near.sent).toHaveLength(1);
    expect(far.sent).toEqual([]);
    expect(await outcomes()).toMatchObject([{ outcome: 'accepted', attempt: 1 }]);
  });

  it('needs nothing more when the session has come back by itself', async () => {
    await request('initial', 0, 2_000);
    await topUp();
    await request('update', 1, 500);
    const sender = reaching();
    await processOf(sender).runOnce();
    expect(sender.sent).toEqual([]);
    expect(await tasks()).toBe(0);
  });

  it('is not repeated to a session that came back though its gateway did not answer', async () => {
    await request('initial', 0, 2_000);
    await topUp();
    const sender = reaching([{ outcome: 'unanswered' }]);
    const node = processOf(sender);
    await node.runOnce();
    await request('update', 1, 500);
    await expect.poll(async () => node.runOnce().then(tasks)).toBe(0);
    expect(sender.sent).toHaveLength(1);
    expect(await outcomes()).toMatchObject([
      { outcome: 'unanswered', final: false },
      { outcome: 'came-back', final: true },
    ]);
  });

  it('is forgotten with the session', async () => {
    await request('initial', 0, 2_000);
    await topUp();
    await request('terminate', 1);
    const sender = reaching();
    await processOf(sender).runOnce();
    expect(sender.sent).toEqual([]);
    expect(await tasks()).toBe(0);
    expect(await outcomes()).toEqual([]);
  });
});

describe('a request to a gateway', () => {
  async function raised(): Promise<void> {
    await request('initial', 0, 100);
    const order = { kind: 're-authorise', reason: 'demand' } as const;
    expect(await raiseSteering(engine, SUBJECT, order)).toBe(true);
  }

  it('that is never answered is repeated so often, then given up, each time recorded', async () => {
    await raised();
    const sender = reaching(Array.from({ length: 9 }, () => ({ outcome: 'unanswered' }) as const));
    const node = processOf(sender, { attemptsMax: 3 });
    await expect.poll(async () => node.runOnce().then(tasks)).toBe(0);
    expect(sender.sent.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(await outcomes()).toMatchObject([
      { outcome: 'unanswered', attempt: 1, final: false },
      { outcome: 'unanswered', attempt: 2, final: false },
      { outcome: 'unanswered', attempt: 3, final: true },
    ]);
  });

  it('is tried again when the gateway is too busy, and not when it refuses for good', async () => {
    await raised();
    const sender = reaching([
      { outcome: 'refused', detail: '3004', again: true },
      { outcome: 'refused', detail: '5012', again: false },
    ]);
    const node = processOf(sender);
    await expect.poll(async () => node.runOnce().then(tasks)).toBe(0);
    expect(await outcomes()).toMatchObject([
      { outcome: 'refused', detail: '3004', final: false },
      { outcome: 'refused', detail: '5012', final: true },
    ]);
  });

  it('finds its way when the gateway connects later', async () => {
    await raised();
    let connected = false;
    const sender = scriptedSender({ reach: () => (connected ? [`host:${GATEWAY}`] : []) });
    const node = processOf(sender);
    await node.runOnce();
    connected = true;
    await expect.poll(async () => node.runOnce().then(tasks)).toBe(0);
    expect(await outcomes()).toMatchObject([
      { outcome: 'unreachable', final: false },
      { outcome: 'accepted', final: true },
    ]);
  });

  it('that a process took down with it is sent by another when the lease is over', async () => {
    await raised();
    const lost = reaching([() => new Promise(() => undefined)]);
    void processOf(lost, { leaseMs: 20 }).runOnce();
    await expect.poll(() => lost.sent.length).toBe(1);
    const sender = reaching();
    const node = processOf(sender, { node: 'b' });
    await expect.poll(async () => node.runOnce().then(tasks)).toBe(0);
    expect(sender.sent).toMatchObject([{ attempt: 2 }]);
    expect(await outcomes()).toMatchObject([{ outcome: 'accepted', attempt: 2 }]);
  });

  it('for a session that its gateway does not know ends the session', async () => {
    await raised();
    const sender = reaching([{ outcome: 'unknown-session', detail: '5002' }]);
    await processOf(sender).runOnce();
    const sweeper = createSweeper(
      { partitions: 1, intervalMs: 1_000, batchMax: 10 },
      {
        engine,
        logger: silentLogger,
        metrics: createMetrics({ processMetrics: false }),
        clock: Date.now,
      },
    );
    await sweeper.runOnce();
    const account = await readAccount(engine, 0, ACCOUNT);
    expect(account?.buckets.map(({ reserved }) => reserved)).toEqual([0, 0]);
  });

  it('is followed by what was raised while it was being sent', async () => {
    await raised();
    const sender = reaching([
      async () => {
        await raiseSteering(engine, SUBJECT, { kind: 'abort', reason: 'demand' });
        return { outcome: 'accepted', detail: '2001' };
      },
    ]);
    const node = processOf(sender);
    await expect.poll(async () => node.runOnce().then(tasks)).toBe(0);
    expect(sender.sent).toMatchObject([
      { kind: 're-authorise', attempt: 1 },
      { kind: 'abort', attempt: 1 },
    ]);
  });

  it('wakes a process that listens', async () => {
    await request('initial', 0, 100);
    const sender = reaching();
    // It looks by itself once, at its start; what is raised later it must be told.
    const node = processOf(sender, { intervalMs: 600_000 });
    const signal = createSteeringSignal(engine, { logger: silentLogger, onRaised: node.wake });
    await signal.open();
    node.start();
    await expect.poll(() => engine.redis.hlen(engine.keys.reach)).toBe(1);
    await raiseSteering(engine, SUBJECT, { kind: 'abort', reason: 'demand' });
    await expect.poll(() => sender.sent.length).toBe(1);
    signal.close();
    await node.stop({ graceMs: 1_000 });
    expect(await engine.redis.hlen(engine.keys.reach)).toBe(0);
  });
});

describe('an account', () => {
  it('that is suspended has its sessions aborted, once the record knows them', async () => {
    await request('initial', 0, 100);
    await changeStanding('suspended', 2);
    const sender = reaching();
    let sequence = 0;
    const node = processOf(sender, { live: async () => ({ sequence, sessionIds: [SESSION] }) });
    await node.runOnce();
    expect(sender.sent).toEqual([]);
    sequence = (await readAccount(engine, 0, ACCOUNT))?.sequence ?? 0;
    await expect.poll(async () => node.runOnce().then(() => sender.sent.length)).toBe(1);
    expect(sender.sent).toMatchObject([{ kind: 'abort', reason: 'standing', sessionId: SESSION }]);
  });

  it('that is active again before anybody was told has its sessions ask again instead', async () => {
    await request('initial', 0, 100);
    await changeStanding('suspended', 2);
    await changeStanding('active', 3);
    const sender = reaching();
    const node = processOf(sender);
    await expect.poll(async () => node.runOnce().then(() => sender.sent.length)).toBe(1);
    expect(sender.sent).toMatchObject([{ kind: 're-authorise', reason: 'standing' }]);
  });

  it('with another profile has its sessions ask again', async () => {
    await request('initial', 0, 100);
    await changeStanding('active', 2);
    const sender = reaching();
    const node = processOf(sender);
    await expect.poll(async () => node.runOnce().then(() => sender.sent.length)).toBe(1);
    expect(sender.sent).toMatchObject([{ kind: 're-authorise', reason: 'profile' }]);
  });
});

describe('the events of steering', () => {
  it('stand in the run of their account without a gap', async () => {
    await request('initial', 0, 2_000);
    await topUp();
    await processOf(reaching()).runOnce();
    await request('terminate', 1);
    const entries = await createOutboxStreams(engine).read(0, { epoch: 0, n: 0 }, 100);
    const runs = entries.flatMap(({ id, packed }) => decodeEntry(0, id, packed).accounts);
    let next = 1;
    for (const { firstSequence, events } of runs) {
      expect(firstSequence).toBe(next);
      next += events.length;
    }
    expect((await readAccount(engine, 0, ACCOUNT))?.sequence).toBe(next - 1);
  });
});
