import { afterEach, describe, expect, it } from 'vitest';
import type { Amount } from '../../../src/domain/amounts.js';
import type {
  CreditControlHandler,
  CreditControlOutcome,
  CreditControlRequest,
} from '../../../src/domain/credit-control.js';
import type { UnitKind } from '../../../src/domain/units.js';
import {
  createGySimulator,
  type SimulationResult,
  type SimulatorEvent,
} from '../../../src/local/gy-simulator/simulator.js';
import { compareTally, Tally, type ChargedService } from '../../../src/local/gy-simulator/tally.js';
import { DATA_TRAFFIC, type GySimulatorOptions } from '../../../src/local/gy-simulator/traffic.js';
import { createLogger } from '../../../src/observability/logger.js';
import { GATEWAY, startDiameterNode, type DiameterNode } from '../../support/diameter-node.js';

const nodes: DiameterNode[] = [];
afterEach(async () => {
  await Promise.all(nodes.splice(0).map(({ server }) => server.close()));
});

const UNITS: Record<string, UnitKind> = {
  '32260@3gpp.org': 'seconds',
  '32274@3gpp.org': 'events',
};

/** Octets left per subscriber; grants what is asked for while there are any. */
function createLedger(octets: number): {
  handler: CreditControlHandler;
  charged: () => ChargedService[];
} {
  const left = new Map<string, number>();
  const used = new Map<string, ChargedService>();
  const answers = new Map<string, CreditControlOutcome>();
  function decide(request: CreditControlRequest): CreditControlOutcome {
    const imsi = request.identities.find(({ kind }) => kind === 'imsi')?.value ?? '';
    let rest = left.get(imsi) ?? octets;
    const services = request.services.map((service) => {
      const unit = UNITS[request.serviceContext] ?? 'octets';
      const reported = service.used.reduce((sum, units) => sum + (units[unit] ?? 0), 0);
      rest -= reported;
      const key = `${request.sessionId}/${service.ratingGroup}`;
      const before = used.get(key)?.used ?? 0n;
      used.set(key, {
        sessionId: request.sessionId,
        ratingGroup: service.ratingGroup,
        unit,
        used: before + BigInt(reported),
        cost: null,
      });
      const amount = Math.min(rest, service.requested?.[unit] ?? 0) as Amount;
      const base = { ratingGroup: service.ratingGroup, serviceIdentifiers: [] };
      if (service.requested === undefined) return { ...base, result: 'settled' as const };
      if (amount <= 0) return { ...base, result: 'credit-limit-reached' as const };
      const last = amount === rest ? { finalUnit: { action: 'terminate' as const } } : {};
      return { ...base, result: 'granted' as const, granted: { unit, amount } as const, ...last };
    });
    left.set(imsi, rest);
    return { kind: 'answered', repeated: false, lowBalance: false, services };
  }
  const handler: CreditControlHandler = async (request) => {
    const key = `${request.sessionId}/${request.requestNumber}`;
    const answer = answers.get(key) ?? decide(request);
    answers.set(key, answer);
    return answer;
  };
  return { handler, charged: () => [...used.values()].filter((one) => one.used > 0n) };
}

const SUBSCRIBERS = Array.from({ length: 4 }, (_, index) => ({
  imsi: `26201000000000${index}`,
  msisdn: `4917000000${index}`,
}));

async function simulate(
  handler: CreditControlHandler,
  options: Partial<GySimulatorOptions> = {},
  nodeCount = 1,
): Promise<SimulationResult & { events: SimulatorEvent[]; requests: CreditControlRequest[] }> {
  const peers = [{ ...GATEWAY, originHost: 'pgw.sim', realm: 'sim' }];
  const requests: CreditControlRequest[] = [];
  for (let count = 0; count < nodeCount; count += 1) {
    const identity = { host: `tolld-${count}.ocs.example`, realm: 'ocs.example', originStateId: 1 };
    const siblings = ['tolld-0.ocs.example', 'tolld-1.ocs.example'];
    const node = await startDiameterNode({
      peers,
      identity,
      siblings,
      handler: (request) => {
        requests.push(request);
        return handler(request);
      },
    });
    nodes.push(node);
  }
  const events: SimulatorEvent[] = [];
  const simulator = createGySimulator(
    {
      nodes: nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
      originHost: 'pgw.sim',
      originRealm: 'sim',
      destinationRealm: 'ocs.example',
      subscribers: SUBSCRIBERS,
      traffic: [DATA_TRAFFIC],
      sessions: 10,
      seed: 7,
      ...options,
    },
    { logger: createLogger({ level: 'silent' }), onEvent: (event) => events.push(event) },
  );
  const result = await simulator.run();
  return { ...result, events, requests };
}

describe('the gateway simulator', () => {
  it('plays sessions to their end and counts what the other side counts', async () => {
    const ledger = createLedger(1e9);
    const { statistics, tally, events } = await simulate(ledger.handler, { concurrent: 3 });
    expect(statistics.sessionsStarted).toBe(10);
    expect(statistics.sessionsEnded.finished).toBe(10);
    expect(statistics.answers).toBe(statistics.requests);
    expect(statistics.results).toEqual({ '2001': statistics.requests });
    expect(statistics.malformed).toBe(0);
    expect(statistics.latencyMs.p99).toBeGreaterThan(0);
    expect(compareTally(tally, ledger.charged())).toEqual([]);
    expect(ledger.charged()).toHaveLength(10);
    expect(events.filter(({ type }) => type === 'session-ended')).toHaveLength(10);
  });

  it('uses no more than it is granted, and all of the last units', async () => {
    const ledger = createLedger(2_500_000);
    const { statistics, tally } = await simulate(ledger.handler, {
      subscribers: SUBSCRIBERS.slice(0, 1),
      sessions: 6,
    });
    const used = tally.flatMap(({ services }) => services).reduce((sum, one) => sum + one.used, 0n);
    expect(used).toBe(2_500_000n);
    expect(statistics.sessionsEnded['final-units']).toBe(1);
    expect(statistics.sessionsEnded['out-of-credit']).toBeGreaterThan(0);
  });

  it('sends a share of requests again and compares the answers', async () => {
    const ledger = createLedger(1e9);
    const { statistics, tally, requests } = await simulate(ledger.handler, { retransmitShare: 1 });
    expect(statistics.retransmitted).toBe(statistics.requests);
    expect(requests.filter((request) => request.retransmitted)).toHaveLength(statistics.requests);
    expect(statistics.repeatMismatches).toBe(0);
    expect(compareTally(tally, ledger.charged())).toEqual([]);
  });

  it('finds a node that charges a repeated request anew', async () => {
    let amount = 1;
    const { statistics, events } = await simulate(
      async (request) => ({
        kind: 'answered',
        repeated: false,
        lowBalance: false,
        services: request.services.map(({ ratingGroup }) => ({
          ratingGroup,
          serviceIdentifiers: [],
          result: 'granted',
          granted: { unit: 'octets', amount: (amount += 1) as Amount },
        })),
      }),
      { retransmitShare: 1, sessions: 1 },
    );
    expect(statistics.repeatMismatches).toBeGreaterThan(0);
    expect(events.some(({ type }) => type === 'repeat-mismatch')).toBe(true);
  });

  it('alternates the requests of a session between two nodes', async () => {
    const ledger = createLedger(1e9);
    const { tally } = await simulate(ledger.handler, { routing: 'alternate', sessions: 4 }, 2);
    expect(compareTally(tally, ledger.charged())).toEqual([]);
    const [first, second] = nodes.map((node) => node.requests.length);
    expect(Math.abs((first ?? 0) - (second ?? 0))).toBeLessThanOrEqual(1);
    const one = nodes[0]?.requests[0]?.sessionId;
    expect(nodes[1]?.requests.some(({ sessionId }) => sessionId === one)).toBe(true);
  });

  it('turns to another node when one is too busy', async () => {
    const ledger = createLedger(1e9);
    let busy = true;
    const { statistics, tally } = await simulate(async (request) => {
      busy = !busy;
      return busy
        ? ledger.handler(request)
        : { kind: 'refused', refusal: 'overloaded', detail: '' };
    });
    expect(statistics.results).toEqual({ '2001': statistics.requests });
    expect(statistics.retransmitted).toBe(statistics.requests);
    expect(compareTally(tally, ledger.charged())).toEqual([]);
  });

  it('begins sessions on time in the open loop and measures from the moment they were due', async () => {
    const ledger = createLedger(1e9);
    const { statistics } = await simulate(ledger.handler, {
      sessionsPerSecond: 200,
      sessions: 40,
    });
    expect(statistics.sessionsEnded.finished).toBe(40);
  });

  it('plays calls and text messages', async () => {
    const ledger = createLedger(1e9);
    const { requests, statistics } = await simulate(ledger.handler, {
      sessions: 20,
      traffic: [
        { kind: 'sms', weight: 1, calledParty: '491709999999', serviceIdentifier: 3 },
        {
          kind: 'voice',
          weight: 1,
          calledParty: '442079460018',
          updates: { min: 1, max: 1 },
          services: [
            { ratingGroup: 1, unit: 'seconds', usePerStep: { min: 60, max: 60 }, requested: 60 },
          ],
        },
      ],
    });
    expect(statistics.sessionsEnded.finished).toBe(20);
    const sms = requests.find(({ phase }) => phase === 'event');
    expect(sms?.action).toBe('debit');
    expect(sms?.context.calledParty).toBe('491709999999');
    expect(sms?.services[0]).toMatchObject({ serviceIdentifiers: [3], requested: { events: 1 } });
    const call = requests.find(({ phase }) => phase === 'update');
    expect(call?.context.calledParty).toBe('442079460018');
    expect(call?.services[0]?.used[0]?.seconds).toBe(60);
  });

  it('makes the same choices from the same seed', async () => {
    const amounts = async (seed: number): Promise<unknown> => {
      const { requests } = await simulate(createLedger(1e9).handler, { sessions: 3, seed });
      await Promise.all(nodes.splice(0).map(({ server }) => server.close()));
      return requests.map(({ services }) => services.map(({ used }) => used));
    };
    expect(await amounts(1)).toEqual(await amounts(1));
    expect(await amounts(1)).not.toEqual(await amounts(2));
  });
});

describe('the tally', () => {
  const price = { ratingGroup: 1, unit: 'seconds', step: 60n, amountPerStep: 5n } as const;

  it('prices every step that was begun, and the connection', () => {
    const tally = new Tally([{ ...price, connectionFee: 2n }]);
    tally.open('a', '1');
    tally.add('a', { ratingGroup: 1, unit: 'seconds' }, 59);
    tally.add('a', { ratingGroup: 1, unit: 'seconds' }, 2);
    expect(tally.sessions()[0]?.services[0]).toMatchObject({ used: 61n, cost: 12n });
  });

  it('names what differs, what is missing and what nobody used', () => {
    const tally = new Tally([price]);
    for (const id of ['a', 'b', 'c']) {
      tally.open(id, '1');
      tally.add(id, { ratingGroup: 1, unit: 'seconds' }, 60);
    }
    tally.doubt('c');
    const service = { ratingGroup: 1, unit: 'seconds' as const };
    const differences = compareTally(tally.sessions(), [
      { sessionId: 'a', ...service, used: 61n, cost: 6n },
      { sessionId: 'c', ...service, used: 1n, cost: 1n },
      { sessionId: 'd', ...service, used: 1n, cost: 1n },
    ]);
    expect(differences.map(({ sessionId, what }) => [sessionId, what])).toEqual([
      ['a', 'used'],
      ['a', 'cost'],
      ['b', 'missing'],
      ['d', 'unexpected'],
    ]);
  });
});
