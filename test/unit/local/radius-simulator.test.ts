/** The simulated NAS against the real front, whose handlers keep books of their own. */
import { afterEach, describe, expect, it } from 'vitest';
import type {
  AccessDecision,
  AccessRequest,
  AccessTerms,
  SessionReport,
} from '../../../src/domain/access.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import {
  createRadiusSimulator,
  type RadiusSimulatorEvent,
} from '../../../src/local/radius-simulator/simulator.js';
import type {
  RadiusSimulatorOptions,
  SimulatedMethod,
  SimulatedSubscriber,
} from '../../../src/local/radius-simulator/traffic.js';
import { createDynamicAuthorizationClient } from '../../../src/radius/dynamic-authorization/client.js';
import { acctSessionIdOf } from '../../../src/radius/session-key.js';
import { createAuthority } from '../../support/certificates.js';
import { collectingLogger } from '../../support/collecting-logger.js';
import { startRadiusFront, testNas, TEST_SECRET } from '../../support/radius-front.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function subscriber(changes: Partial<SimulatedSubscriber> = {}): SimulatedSubscriber {
  return {
    userName: 'alice',
    password: 'sekrit',
    station: 'AA:BB:CC:00:11:22',
    service: 'pppoe',
    method: 'pap',
    ...changes,
  };
}

async function front(
  terms: AccessTerms = {},
  accounting?: (report: SessionReport) => void,
  nas: Parameters<typeof testNas>[0] = {},
  tls: Parameters<typeof startRadiusFront>[0] = {},
) {
  const access = async ({ proof }: AccessRequest): Promise<AccessDecision> => {
    const kept = proof.method === 'none' ? ('station' as const) : ('clear' as const);
    const result = await proof.verify(
      kept === 'station' ? { kind: kept, password: null } : { kind: kept, password: 'sekrit' },
    );
    if (result !== 'proven') {
      const byStation = await proof.verify({ kind: 'station', password: null });
      if (byStation !== 'proven') {
        return { kind: 'rejected', reason: 'wrong-password', message: 'wrong password' };
      }
    }
    return {
      kind: 'accepted',
      session: { partition: 1, accountId: 'acc-1', nonce: '7fffffffffffffff' },
      terms,
      message: null,
    };
  };
  const started = await startRadiusFront(
    { clients: [testNas(nas)], ...tls },
    {
      access,
      accounting: async (report) => {
        if (report.kind === 'session') accounting?.(report);
        return { kind: 'recorded' };
      },
    },
  );
  cleanups.push(() => started.server.close());
  const server = {
    address: '127.0.0.1',
    authenticationPort: started.authentication.port,
    accountingPort: started.accounting.port,
  };
  return { ...started, server };
}

function simulate(
  server: Awaited<ReturnType<typeof front>>['server'],
  changes: Partial<RadiusSimulatorOptions> = {},
) {
  const events: RadiusSimulatorEvent[] = [];
  const simulator = createRadiusSimulator(
    {
      servers: [server],
      secret: TEST_SECRET,
      nasIdentifier: 'tower',
      subscribers: [subscriber()],
      sessions: 1,
      seed: 7,
      ...changes,
    },
    { onEvent: (event) => events.push(event) },
  );
  return { simulator, events };
}

/** What the reports of a session sum up to, with counters that may begin again at zero. */
class Books {
  readonly #sessions = new Map<string, { base: number; last: number; seconds: number }>();

  take(report: SessionReport): void {
    const { nas, sessionKey, counters, sessionSeconds } = report;
    const id = acctSessionIdOf(nas, sessionKey)?.toString('latin1') ?? '';
    const total = (counters?.downloadOctets ?? 0) + (counters?.uploadOctets ?? 0);
    const known = this.#sessions.get(id) ?? { base: 0, last: 0, seconds: 0 };
    this.#sessions.set(id, known);
    if (counters === null || (sessionSeconds ?? 0) < known.seconds) return;
    if (total < known.last) known.base += known.last;
    known.last = total;
    known.seconds = sessionSeconds ?? 0;
  }

  totalOf(acctSessionId: string): number | undefined {
    const known = this.#sessions.get(acctSessionId);
    return known === undefined ? undefined : known.base + known.last;
  }
}

describe('a simulated session', () => {
  it.each<[SimulatedMethod, SimulatedSubscriber['service']]>([
    ['pap', 'pppoe'],
    ['chap', 'hotspot'],
    ['ms-chap', 'pppoe'],
    ['ms-chap2', 'pppoe'],
    ['mac', 'hotspot'],
  ])('logs in by %s over %s and reports what it used', async (method, service) => {
    const books = new Books();
    const { server, requests } = await front({ interimSeconds: 300 }, (one) => books.take(one));
    const station = 'AA:BB:CC:00:11:22';
    const who = subscriber({ method, service, ...(method === 'mac' ? { userName: station } : {}) });
    const { tally, statistics } = await simulate(server, { subscribers: [who] }).simulator.run();
    const [session] = tally;
    expect(session).toMatchObject({ end: 'finished', certain: true });
    const used = session?.used ?? { uploadOctets: 0, downloadOctets: 0 };
    expect(used.downloadOctets).toBeGreaterThan(0);
    const total = used.uploadOctets + used.downloadOctets;
    expect(books.totalOf(session?.acctSessionId ?? '')).toBe(total);
    expect(requests[0]?.connection).toBe(service);
    expect([statistics.unanswered, statistics.badReplies]).toEqual([0, 0]);
  });

  it('is rejected in words', async () => {
    const { server } = await front();
    const who = subscriber({ password: 'other' });
    const { simulator, events } = simulate(server, { subscribers: [who] });
    await simulator.run();
    expect(events.at(-1)).toMatchObject({ end: 'rejected', rejectMessage: 'wrong password' });
  });

  it('uses no more than its speed lets it, in the time it reports', async () => {
    const speed = { uploadBitsPerSecond: 8_000, downloadBitsPerSecond: 80_000 };
    const { server } = await front({ speed });
    const { simulator } = simulate(server, { interims: { min: 3, max: 3 }, interimSeconds: 60 });
    const { tally } = await simulator.run();
    expect(tally[0]?.used).toEqual({
      uploadOctets: 3 * 60_000,
      downloadOctets: 3 * 600_000,
      seconds: 180,
    });
  });

  it.each<[string, AccessTerms, SimulatedSubscriber['service'], string]>([
    ['volume of both', { totalOctetsMax: toAmount(5_000_000) }, 'hotspot', 'volume-limit'],
    ['download', { downloadOctetsMax: toAmount(4_000_000) }, 'pppoe', 'volume-limit'],
    ['time', { sessionSecondsMax: 700 }, 'pppoe', 'time-limit'],
  ])('ends at its limit of %s', async (_name, terms, service, end) => {
    const { server } = await front(terms);
    const { tally } = await simulate(server, {
      subscribers: [subscriber({ service })],
      interims: { min: 50, max: 50 },
    }).simulator.run();
    expect(tally[0]?.end).toBe(end);
    const { uploadOctets = 0, downloadOctets = 0, seconds = 0 } = tally[0]?.used ?? {};
    if (terms.totalOctetsMax !== undefined) expect(uploadOctets + downloadOctets).toBe(5_000_000);
    if (terms.downloadOctetsMax !== undefined) expect(downloadOctets).toBe(4_000_000);
    if (terms.sessionSecondsMax !== undefined) expect(seconds).toBe(700);
  });

  it('counts beyond 4 GiB in two words, or wraps where there is only one', async () => {
    const seen: SessionReport[] = [];
    const { server } = await front({}, (report) => seen.push(report));
    const huge = { downloadPerInterim: { min: 3_000_000_000, max: 3_000_000_000 } };
    const interims = { min: 3, max: 3 };
    await simulate(server, { ...huge, interims }).simulator.run();
    await simulate(server, {
      ...huge,
      interims,
      faults: { withoutGigawords: true },
    }).simulator.run();
    const downloads = seen
      .filter(({ status }) => status === 'interim')
      .map(({ counters }) => [counters?.downloadOctets, counters?.width]);
    expect(downloads).toEqual([
      [3_000_000_000, 64],
      [6_000_000_000, 64],
      [9_000_000_000, 64],
      [3_000_000_000, 32],
      [6_000_000_000 - 2 ** 32, 32],
      [9_000_000_000 - 2 * 2 ** 32, 32],
    ]);
  });
});

describe('a network that loses, doubles and reorders', () => {
  it('changes nothing of what sessions tell in the end', { timeout: 60_000 }, async () => {
    const books = new Books();
    const { server } = await front({ interimSeconds: 300 }, (one) => books.take(one));
    const subscribers = Array.from({ length: 20 }, (_, n) => subscriber({ userName: `user${n}` }));
    const { simulator } = simulate(server, {
      subscribers,
      sessions: 60,
      concurrent: 20,
      answerMs: 30,
      triesMax: 20,
      network: { loss: 0.2, duplication: 0.2, reordering: 0.2, holdMs: 20 },
    });
    const { tally, statistics } = await simulator.run();
    expect(statistics.resent).toBeGreaterThan(10);
    expect(tally).toHaveLength(60);
    const differing = tally.filter(({ acctSessionId, used, certain }) => {
      const total = used.uploadOctets + used.downloadOctets;
      return certain && books.totalOf(acctSessionId) !== total;
    });
    expect(differing).toEqual([]);
    expect(tally.filter(({ certain }) => certain).length).toBeGreaterThan(50);
  });
});

describe('faults of equipment', () => {
  async function reportsWith(
    faults: RadiusSimulatorOptions['faults'],
    changes: Partial<RadiusSimulatorOptions> = {},
  ) {
    const seen: SessionReport[] = [];
    const { server, requests, lines } = await front({}, (report) => seen.push(report));
    const { simulator, events } = simulate(server, {
      interims: { min: 3, max: 3 },
      faults: faults ?? {},
      ...changes,
    });
    const { tally } = await simulator.run();
    return { seen, tally, requests, events, lines, statuses: seen.map(({ status }) => status) };
  }

  it('a Stop is never sent', async () => {
    const { statuses } = await reportsWith({ lostStop: 1 });
    expect(statuses).toEqual(['start', 'interim', 'interim', 'interim']);
  });

  it('an interim report comes after the Stop, with older counters', async () => {
    const { statuses, seen } = await reportsWith({ interimAfterStop: 1 });
    expect(statuses.slice(-2)).toEqual(['stop', 'interim']);
    expect(seen.at(-1)?.sessionSeconds).toBeLessThanOrEqual(seen.at(-2)?.sessionSeconds ?? 0);
  });

  it('a Stop says nothing of octets', async () => {
    const { seen, tally } = await reportsWith({ stopWithoutOctets: 1 });
    expect(seen.at(-1)).toMatchObject({ status: 'stop', counters: null });
    expect(tally[0]?.certain).toBe(false);
  });

  it('counters begin again at zero', async () => {
    const books = new Books();
    const { seen, tally } = await reportsWith({ countersRestart: 1 });
    for (const report of seen) books.take(report);
    const downloads = seen.map(({ counters }) => counters?.downloadOctets ?? 0);
    expect(downloads.some((octets, n) => octets < (downloads[n - 1] ?? 0))).toBe(true);
    const { uploadOctets = 0, downloadOctets = 0 } = tally[0]?.used ?? {};
    expect(books.totalOf(tally[0]?.acctSessionId ?? '')).toBe(uploadOctets + downloadOctets);
  });

  it('the handle is lost, the clock is wrong, counters are the other way round', async () => {
    const { seen, tally } = await reportsWith({
      classLost: 1,
      wrongClock: true,
      inverseCounters: true,
    });
    const last = seen.at(-1);
    expect(last?.handle).toBeNull();
    expect(last?.eventTimestamp).toBe(1_199_145_600_000);
    expect(last?.counters?.uploadOctets).toBe(tally[0]?.used.downloadOctets);
  });

  it('requests carry no Message-Authenticator', async () => {
    const { lines } = await reportsWith({ withoutMessageAuthenticator: true });
    expect(lines.some(({ message }) => message.includes('Message-Authenticator'))).toBe(true);
  });

  it('the router restarts and says nothing', async () => {
    const { seen, events } = await reportsWith({ rebootAfterSessions: 2 }, { sessions: 5 });
    expect(seen.map(({ bootMark }) => bootMark)).toEqual(expect.arrayContaining(['1', '2', '3']));
    expect(events.filter(({ type }) => type === 'rebooted')).toHaveLength(2);
    expect(new Set(seen.map(({ sessionKey }) => sessionKey)).size).toBe(5);
  });
});

describe('steering', () => {
  it('changes the speed of a live session, then ends it', async () => {
    const { server } = await front({ interimSeconds: 60 });
    const { simulator, events } = simulate(server, {
      interims: { min: 1_000, max: 1_000 },
      thinkMs: { min: 5, max: 5 },
      dynamicAuthorization: { address: '127.0.0.1', port: 0 },
    });
    const taking = await simulator.listen();
    if (taking === null) throw new Error('takes no orders');
    const client = createDynamicAuthorizationClient(
      { clients: [testNas({ dynamicAuthorization: taking })] },
      { logger: collectingLogger().logger, metrics: createMetrics({ processMetrics: false }) },
    );
    cleanups.push(() => client.close());
    const running = simulator.run();
    while (!events.some((event) => event.type === 'answer' && event.request === 'interim')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const pointer = {
      nas: 'bng-1',
      sessionKey: 'radius:bng-1:81100001',
      userName: 'alice',
      address: null,
      station: null,
      connection: 'pppoe',
    } as const;
    const speed = { uploadBitsPerSecond: 1_000_000, downloadBitsPerSecond: 2_000_000 };
    expect(await client.steer(pointer, { kind: 'change', terms: { speed } })).toEqual({
      kind: 'acknowledged',
      unchanged: [],
    });
    const other = { ...pointer, userName: 'bob' };
    expect(await client.steer(other, { kind: 'disconnect' })).toMatchObject({
      kind: 'refused',
      sessionGone: true,
    });
    const moved = { ...pointer, address: '10.9.9.9' };
    expect(await client.steer(moved, { kind: 'change', terms: { speed } })).toMatchObject({
      cause: 'Unsupported-Attribute',
    });
    expect(await client.steer(pointer, { kind: 'disconnect' })).toMatchObject({
      kind: 'acknowledged',
    });
    const { tally } = await running;
    expect(tally[0]?.end).toBe('disconnected');
    expect(events.find(({ type }) => type === 'session-ended')).toMatchObject({
      terms: { rateLimit: '1M/2M' },
    });
  });
});

describe('pace', () => {
  it('logs in at a steady pace in the open loop, and stops when told', async () => {
    const { server } = await front();
    const { simulator } = simulate(server, {
      sessions: null,
      sessionsPerSecond: 200,
      interims: { min: 0, max: 0 },
    });
    const running = simulator.run();
    while (simulator.statistics().sessionsStarted < 20) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    simulator.stop();
    const { statistics, tally } = await running;
    expect(tally).toHaveLength(statistics.sessionsStarted);
    expect(statistics.latencyMs.p99).toBeGreaterThan(0);
  });

  it('does the same again from the same seed', async () => {
    const usage = async (): Promise<unknown> => {
      const { server } = await front();
      const { tally } = await simulate(server, { sessions: 5 }).simulator.run();
      return tally.map(({ used }) => used);
    };
    expect(await usage()).toEqual(await usage());
  });
});

describe('a NAS that speaks RADIUS/1.1', () => {
  /** A front over TLS alone, and how a router finds it. */
  async function overTls(onReport: (report: SessionReport) => void = () => undefined) {
    const authority = createAuthority();
    const [ours, theirs] = [authority.issue(['tolld.example']), authority.issue(['tower.example'])];
    const authorities = [authority.certificate];
    authority.remove();
    const books = new Books();
    const started = await front(
      { interimSeconds: 60, sessionSecondsMax: 86_400 },
      (report) => {
        onReport(report);
        books.take(report);
      },
      { addresses: [], certificateNames: ['tower.example'] },
      {
        udp: [],
        tls: [{ address: '127.0.0.1', port: 0, ...ours, authorities, versions: ['1.1'] }],
      },
    );
    const port = started.tls[0]?.port ?? 0;
    return {
      ...started,
      books,
      tls: { port, ...theirs, authorities, serverName: 'tolld.example' },
    };
  }

  it('logs in by each method and reports what it used over one connection', async () => {
    const { server, tls, books, lines, requests } = await overTls();
    const methods: readonly SimulatedMethod[] = ['pap', 'chap', 'ms-chap', 'ms-chap2', 'mac'];
    const { simulator } = simulate(server, {
      tls,
      subscribers: methods.map((method) =>
        method === 'mac'
          ? subscriber({ method, service: 'hotspot', userName: subscriber().station })
          : subscriber({ method }),
      ),
      sessions: 20,
      concurrent: 10,
      answerMs: 15_000,
    });
    const { statistics, tally } = await simulator.run();
    expect(statistics).toMatchObject({ sessionsEnded: { finished: 20 }, unanswered: 0, resent: 0 });
    for (const { acctSessionId, used } of tally) {
      expect(books.totalOf(acctSessionId)).toBe(used.downloadOctets + used.uploadOctets);
    }
    expect(new Set(requests.map(({ requestKey }) => requestKey)).size).toBe(20);
    const connections = lines.filter(({ message }) => message === 'radius over tls');
    expect(connections.map(({ fields }) => fields['version'])).toEqual(['1.1']);
  });

  it('makes a request anew that the server could not process', async () => {
    let failures = 2;
    const { server, tls } = await overTls(() => {
      failures -= 1;
      if (failures >= 0) throw new Error('not now');
    });
    const { simulator } = simulate(server, { tls, answerMs: 500 });
    const { statistics } = await simulator.run();
    expect(statistics.sessionsEnded).toEqual({ finished: 1 });
    expect(statistics.resent).toBeGreaterThanOrEqual(2);
  });

  it('says nothing to a server of another name', async () => {
    const { server, tls, requests } = await overTls();
    const { simulator } = simulate(server, {
      tls: { ...tls, serverName: 'other.example' },
      answerMs: 10,
      triesMax: 2,
    });
    const { statistics } = await simulator.run();
    expect(statistics.sessionsEnded).toEqual({ unanswered: 1 });
    expect(requests).toEqual([]);
  });
});
