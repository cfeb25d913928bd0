/**
 * Two gateways and a router at work, none of which ever gives a request up, and what their sessions
 * must have been charged, counted by themselves: it shares no line with the engine.
 */
import pg from 'pg';
import { openTopUps, type TopUps } from '../../src/cli/simulated-top-ups.js';
import type { GySimulator } from '../../src/local/gy-simulator/simulator.js';
import { createGySimulator } from '../../src/local/gy-simulator/simulator.js';
import type { TallyPrice, TallySession } from '../../src/local/gy-simulator/tally.js';
import type { SimulatedService, SimulatedTraffic } from '../../src/local/gy-simulator/traffic.js';
import {
  createRadiusSimulator,
  type RadiusSimulator,
  type RadiusTallySession,
} from '../../src/local/radius-simulator/simulator.js';
import { createLogger } from '../../src/observability/logger.js';
import { REALM, type Installation } from './installation.js';

/** A gateway that never gives up knows at the end what became of each of its requests. */
const TRIES_MAX = 1_000_000;
const SILENT = createLogger({ level: 'silent' });
const CENT = 10_000n;

const DATA: SimulatedService = {
  ratingGroup: 10,
  unit: 'octets',
  usePerStep: { min: 100_000, max: 1_000_000 },
  requested: 1_000_000,
};
const VOICE: SimulatedTraffic = {
  kind: 'voice',
  weight: 1,
  calledParty: '491709999999',
  updates: { min: 0, max: 4 },
  services: [
    { ratingGroup: null, unit: 'seconds', usePerStep: { min: 5, max: 60 }, requested: 60 },
  ],
};
/** Rating group 10 is paid by a bundle where there is one, rating group 20 by money. */
const TRAFFIC: readonly SimulatedTraffic[] = [
  {
    kind: 'data',
    weight: 3,
    apn: 'internet',
    updates: { min: 2, max: 6 },
    services: [DATA, { ...DATA, ratingGroup: 20 }],
  },
  VOICE,
  { kind: 'sms', weight: 1, calledParty: '491709999999' },
];

/** What the rates of operator.yaml say, in millionths of a euro. */
const PRICES: readonly TallyPrice[] = [
  { ratingGroup: 10, unit: 'octets', step: 1n, amountPerStep: 0n },
  { ratingGroup: 20, unit: 'octets', step: 100_000n, amountPerStep: CENT / 10n },
  {
    ratingGroup: null,
    unit: 'seconds',
    step: 30n,
    amountPerStep: (9n * CENT) / 2n,
    connectionFee: 5n * CENT,
  },
  { ratingGroup: null, unit: 'events', step: 1n, amountPerStep: 7n * CENT },
];
const ACCESS_PRICE = { step: 1_000_000n, amountPerStep: 500n };
const ROUTER = 'router';
const TOP_UP = { cents: 25n, amount: '0.25', everySessions: 4 };

export interface LoadReport {
  readonly sessions: number;
  readonly requests: number;
  readonly sentAgain: number;
  readonly topUps: number;
  /** Where the record and the counts differ. */
  readonly faults: readonly string[];
}

export interface Load {
  /** Answers so far, of Diameter and of RADIUS. */
  readonly answers: { readonly diameter: number; readonly radius: number };
  /** Ends every session and resolves when each has been settled. */
  end(): Promise<void>;
  /** Holds the counts against the record, which has everything. */
  compare(): Promise<LoadReport>;
}

/** Starts the load. @throws ConnectionError when a front can't be connected to at the start. */
export function startLoad(installation: Installation, seed: number): Load {
  const answers = { diameter: 0, radius: 0 };
  const { amount, everySessions } = TOP_UP;
  const topUps = openTopUps(installation.config, { amount, everySessions, run: String(seed) });
  const gateways = [
    gateway(installation, {
      name: 'gateway',
      imsis: ['11', '12', '13'],
      seed,
      prices: PRICES,
      onAnswer: () => (answers.diameter += 1),
    }),
    gateway(installation, {
      name: 'edge',
      imsis: ['21', '22', '23', '24'],
      seed: seed + 1,
      prices: [],
      onAnswer: () => (answers.diameter += 1),
      topUps,
    }),
  ];
  const router = routerOf(installation, { seed: seed + 2, onAnswer: () => (answers.radius += 1) });
  const running = {
    gateways: Promise.all(gateways.map((each) => each.run())),
    router: router.run(),
  };
  return {
    answers,
    end: async () => {
      for (const each of [...gateways, router]) each.stop();
      await Promise.all([running.gateways, running.router]);
      await topUps.close();
    },
    compare: async () => {
      const played = await running.gateways;
      const { statistics, tally } = await running.router;
      const record = await readRecord(installation.postgresUrl);
      const sum = (of: (one: (typeof played)[number]['statistics']) => number): number =>
        played.reduce((total, one) => total + of(one.statistics), 0);
      const unanswered = sum((one) => one.unanswered) + statistics.unanswered;
      const mismatches = sum((one) => one.repeatMismatches);
      return {
        sessions: sum((one) => one.sessionsStarted) + statistics.sessionsStarted,
        requests:
          sum((one) => one.requests) +
          Object.values(statistics.answers).reduce((total, count) => total + count, 0),
        sentAgain: sum((one) => one.retransmitted) + statistics.resent,
        topUps: topUps.booked,
        faults: [
          ...(unanswered > 0 ? [`${unanswered} requests were never answered`] : []),
          ...(mismatches > 0 ? [`${mismatches} repeated requests were answered differently`] : []),
          ...played.flatMap((one) => gyFaults(one.tally, record)),
          ...radiusFaults(tally, record),
          ...topUpFaults(topUps, record),
        ],
      };
    },
  };
}

interface GatewayOptions {
  readonly name: string;
  /** Last digits of its subscribers. */
  readonly imsis: readonly string[];
  readonly seed: number;
  readonly prices: readonly TallyPrice[];
  readonly onAnswer: () => void;
  readonly topUps?: TopUps;
}

function gateway(installation: Installation, options: GatewayOptions): GySimulator {
  const { topUps } = options;
  return createGySimulator(
    {
      nodes: installation.fronts.map(({ diameterPort: port }) => ({ host: '127.0.0.1', port })),
      originHost: `${options.name}.chaos.internal`,
      originRealm: 'chaos.internal',
      destinationRealm: REALM,
      subscribers: options.imsis.map((digits) => ({
        imsi: `2624200000000${digits}`,
        msisdn: `4917000000${digits}`,
      })),
      traffic: TRAFFIC,
      sessions: null,
      concurrent: options.imsis.length,
      thinkMs: { min: 20, max: 150 },
      routing: 'alternate',
      retransmitShare: 0.05,
      answerMs: 4_000,
      triesMax: TRIES_MAX,
      seed: options.seed,
    },
    {
      logger: SILENT,
      prices: options.prices,
      onEvent: ({ type }) => {
        if (type === 'answer') options.onAnswer();
      },
      ...(topUps && { beforeSession: untilBooked(topUps) }),
    },
  );
}

/** A top-up is asked for by one key until Postgres has it. */
function untilBooked({ beforeSession }: TopUps): TopUps['beforeSession'] {
  return async (subscriber, index) => {
    for (;;) {
      try {
        return await beforeSession(subscriber, index);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
}

function routerOf(
  { fronts }: Installation,
  { seed, onAnswer }: { readonly seed: number; readonly onAnswer: () => void },
): RadiusSimulator {
  return createRadiusSimulator(
    {
      servers: fronts.map(({ authenticationPort, accountingPort }) => ({
        ...{ address: '127.0.0.1', authenticationPort, accountingPort },
      })),
      secret: 'a secret of chaos alone',
      nasIdentifier: ROUTER,
      subscribers: ['1', '2', '3'].map((digit) => ({
        userName: `line-${digit}`,
        password: `nothing-secret-${digit}`,
        station: `02:00:5E:00:00:0${digit}`,
        service: 'pppoe',
        method: 'ms-chap2',
      })),
      sessions: null,
      concurrent: 4,
      interims: { min: 1, max: 4 },
      downloadPerInterim: { min: 100_000, max: 20_000_000 },
      thinkMs: { min: 20, max: 150 },
      answerMs: 500,
      triesMax: TRIES_MAX,
      accountingTriesMax: TRIES_MAX,
      faults: { interimAfterStop: 0.1, classLost: 0.1 },
      network: { loss: 0.02, duplication: 0.05, reordering: 0.05 },
      seed,
    },
    {
      onEvent: ({ type }) => {
        if (type === 'answer') onAnswer();
      },
    },
  );
}

/** What the record says, read without the product's own queries. */
interface Record {
  readonly services: ReadonlyMap<string, Charged>;
  readonly network: ReadonlyMap<string, Charged>;
  readonly toppedUp: bigint;
}

interface Charged {
  readonly used: bigint;
  readonly cost: bigint;
  readonly uncollected: bigint;
}

const NOTHING: Charged = { used: 0n, cost: 0n, uncollected: 0n };

function serviceKey(sessionId: string, ratingGroup: number | null, unit: string): string {
  return `${sessionId}\n${ratingGroup ?? '-'}\n${unit}`;
}

async function readRecord(url: string): Promise<Record> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const sums = 'sum(used)::text AS used, sum(cost)::text AS cost, sum(uncollected)::text AS lost';
    const usage = `FROM tolld.rated_events WHERE kind = 'usage'`;
    const gy = await client.query<Sums & { session: string; rg: string | null; unit: string }>(
      `SELECT session_id AS session, rating_group::text AS rg, unit, ${sums} ${usage}
       AND protocol <> 'radius' GROUP BY 1, 2, 3`,
    );
    const radius = await client.query<Sums & { key: string }>(
      `SELECT network ->> 'sessionKey' AS key, ${sums} ${usage} AND protocol = 'radius' GROUP BY 1`,
    );
    const ledger = await client.query<{ sum: string }>(
      `SELECT coalesce(sum(amount), 0)::text AS sum FROM tolld.ledger_entries WHERE kind = 'top-up'`,
    );
    return {
      services: new Map(
        gy.rows.map((row) => [
          serviceKey(row.session, row.rg === null ? null : Number(row.rg), row.unit),
          charged(row),
        ]),
      ),
      network: new Map(radius.rows.map((row) => [row.key, charged(row)])),
      toppedUp: BigInt(ledger.rows[0]?.sum ?? 0),
    };
  } finally {
    await client.end();
  }
}

interface Sums {
  readonly used: string;
  readonly cost: string;
  readonly lost: string;
}

function charged({ used, cost, lost }: Sums): Charged {
  return { used: BigInt(used), cost: BigInt(cost), uncollected: BigInt(lost) };
}

function gyFaults(tally: readonly TallySession[], { services }: Record): readonly string[] {
  const ours = new Set(tally.map(({ sessionId }) => sessionId));
  const left = new Map([...services].filter(([key]) => ours.has(key.split('\n')[0] ?? '')));
  const faults = tally.flatMap(({ sessionId, services: counted }) =>
    counted.flatMap(({ ratingGroup, unit, used, cost }) => {
      const key = serviceKey(sessionId, ratingGroup, unit);
      const actual = left.get(key) ?? NOTHING;
      left.delete(key);
      const name = `session ${sessionId}, rating group ${ratingGroup ?? 'none'}`;
      return [
        ...(actual.used === used ? [] : [`${name}: ${actual.used} ${unit}, counted ${used}`]),
        ...(cost === null || actual.cost === cost
          ? []
          : [`${name}: ${used} ${unit} cost ${actual.cost}, must have cost ${cost}`]),
      ];
    }),
  );
  const unheard = [...left].filter(([, { used }]) => used > 0n);
  return [
    ...faults,
    ...unheard.map(([key, { used }]) => `${key.replaceAll('\n', ' ')}: ${used}, counted nothing`),
  ];
}

function radiusFaults(tally: readonly RadiusTallySession[], { network }: Record): string[] {
  const left = new Map(network);
  const faults = tally.flatMap(({ acctSessionId, certain, reported }) => {
    const key = `radius:${ROUTER}:${acctSessionId}`;
    const actual = left.get(key) ?? NOTHING;
    left.delete(key);
    const used = BigInt(reported.downloadOctets) + BigInt(reported.uploadOctets);
    const steps = (used + ACCESS_PRICE.step - 1n) / ACCESS_PRICE.step;
    const cost = steps * ACCESS_PRICE.amountPerStep;
    return [
      ...(certain ? [] : [`session ${key}: a report was never answered`]),
      ...(actual.used === used ? [] : [`session ${key}: ${actual.used} octets, counted ${used}`]),
      ...(actual.cost === cost
        ? []
        : [`session ${key}: ${used} octets cost ${actual.cost}, must have cost ${cost}`]),
    ];
  });
  return [...faults, ...[...left.keys()].map((key) => `session ${key}: counted nothing`)];
}

function topUpFaults({ booked }: TopUps, { toppedUp }: Record): string[] {
  const expected = BigInt(booked) * TOP_UP.cents * CENT;
  return toppedUp === expected ? [] : [`top-ups of ${toppedUp} arrived, booked were ${expected}`];
}
