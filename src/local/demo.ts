/**
 * The demo operator at work: a simulated gateway whose sessions a person can watch, the events as they
 * arrive in Postgres, and the proof that the books balance.
 */
import type pg from 'pg';
import { createEngineConnection, type EngineConnection } from '../charging/engine-connection.js';
import { readAccount } from '../charging/snapshot.js';
import { createOutboxStreams } from '../charging/stream.js';
import { formatTable } from '../cli/output.js';
import { describeExchange, describeResult } from '../cli/simulation-report.js';
import { TRAFFIC } from '../cli/simulated-traffic.js';
import { formatDecimal } from '../domain/amounts.js';
import type { Logger } from '../observability/logger.js';
import { untilRecorded } from '../outbox/recorded.js';
import { findAccounts } from '../records/account-lookup.js';
import { readRecordedAccount } from '../records/accounts.js';
import { readBooks } from '../records/books.js';
import { asTenant, createDatabase } from '../records/database.js';
import { readInstallation } from '../records/installation.js';
import { cursorOf, listRatedEvents, type RatedEvent } from '../records/rated-events.js';
import { readSessionUsage } from '../records/session-usage.js';
import type { Config } from '../settings.js';
import { createGySimulator, type GySimulator } from './gy-simulator/simulator.js';
import { compareTally, type ChargedService, type TallySession } from './gy-simulator/tally.js';
import type { SimulatedSubscriber, SimulatedUnit } from './gy-simulator/traffic.js';

/** The subscribers of examples/operator.yaml, by account. */
export const DEMO_SUBSCRIBERS: Readonly<Record<string, SimulatedSubscriber>> = {
  alice: { imsi: '262420000000001', msisdn: '491700000001' },
  bob: { imsi: '262420000000002', msisdn: '491700000002' },
  carol: { imsi: '262420000000003', msisdn: '491700000003' },
};

/** The account of examples/operator-radius.yaml. */
const DEMO_HOME_ACCOUNT = 'erin';

const DEMO_TENANT = 'demo';
const DEMO_SCALE = 6;

/** The books do not balance, or events are missing; each line says where. */
export class BooksError extends Error {
  readonly code = 'TOLLD_BOOKS';

  constructor(differences: readonly string[]) {
    super(['the books do not balance:', ...differences.map((line) => `  - ${line}`)].join('\n'));
    this.name = 'BooksError';
  }
}

export interface DemoOptions {
  readonly config: Config;
  readonly diameter: { readonly host: string; readonly port: number };
  /** Sessions to play; null goes on until it is stopped. */
  readonly sessions: number | null;
  readonly subscribers: readonly SimulatedSubscriber[];
  readonly kinds: readonly (keyof typeof TRAFFIC)[];
  /** Pause of a session between two requests, in ms. */
  readonly thinkMs: number;
  readonly seed: number;
}

export interface DemoDependencies {
  readonly logger: Logger;
  readonly print: (line: string) => void;
}

export interface Demo {
  /**
   * Plays the sessions and tells what happens. Returns what the gateway counted by itself.
   * @throws ConnectionError
   */
  play(): Promise<readonly TallySession[]>;
  /** Ends the sessions under way. */
  stop(): void;
}

/** A gateway on the demo operator's network. */
export function createDemo(options: DemoOptions, { logger, print }: DemoDependencies): Demo {
  const simulator: GySimulator = createGySimulator(
    {
      nodes: [options.diameter],
      originHost: 'gateway.demo.internal',
      originRealm: 'demo.internal',
      destinationRealm: options.config.diameter.originRealm,
      subscribers: options.subscribers,
      traffic: options.kinds.map((kind) => TRAFFIC[kind]),
      sessions: options.sessions,
      concurrent: Math.min(options.subscribers.length, options.sessions ?? 3),
      thinkMs: { min: options.thinkMs, max: options.thinkMs },
      seed: options.seed,
    },
    {
      logger,
      onEvent: (event) => {
        const line = describeExchange(event);
        if (line !== null) print(line);
      },
    },
  );
  return {
    play: async () => {
      const result = await simulator.run();
      for (const line of describeResult(result)) print(line);
      return result.tally;
    },
    stop: () => simulator.stop(),
  };
}

/** Money with its currency, units with their word. */
export function amountText(amount: bigint | number, resource: string): string {
  const isUnits = ['octets', 'seconds', 'events'].includes(resource);
  return isUnits
    ? `${Number(amount).toLocaleString('en-US')} ${resource}`
    : `${formatDecimal(Number(amount) as Parameters<typeof formatDecimal>[0], DEMO_SCALE)} ${resource}`;
}

/** One rated event: what was used, what it cost, which bucket paid, what is left there. */
function describeRatedEvent(event: RatedEvent): string {
  const paid = event.impacts.map(
    ({ bucketId, resource, delta, after }) =>
      `${bucketId} paid ${amountText(0 - delta, resource)}, left ${amountText(after, resource)}`,
  );
  const cost = event.currency === null ? '' : `, cost ${amountText(event.cost, event.currency)}`;
  const missed = event.uncollected === 0 ? '' : `, ${event.uncollected} not collected`;
  const who = `${event.accountId} #${event.sequence}`;
  return `  in Postgres  ${who}: used ${amountText(event.used, event.unit ?? '')}${cost}${missed}; ${paid.join('; ')}`;
}

const POLL_MS = 500;

/** Prints the rated events of the demo's accounts as they arrive. Returns how to stop. */
export async function watchRatedEvents(
  config: Config,
  { logger, print }: DemoDependencies,
): Promise<() => Promise<void>> {
  const pool = createReader(config, logger);
  const accounts = await demoAccounts(pool);
  const since = new Date();
  const after = new Map<string, string>();
  const look = async (): Promise<void> => {
    for (const { accountId } of accounts) {
      const place = after.get(accountId);
      const { events } = await asTenant(pool, DEMO_TENANT, (client) =>
        listRatedEvents(client, {
          accountId,
          limit: 100,
          ...(place === undefined ? { since } : { after: place }),
        }),
      );
      for (const event of events) print(describeRatedEvent(event));
      const last = events.at(-1);
      if (last !== undefined) after.set(accountId, cursorOf(last));
    }
  };
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look).catch((error: unknown) => {
      logger.warn({ err: error }, 'rated events not read; it is tried again');
    });
  }, POLL_MS);
  return async () => {
    clearInterval(timer);
    await looking;
    await look();
    await pool.end();
  };
}

/** How long the last events may take to arrive in Postgres. */
const RECORDED_MS = 10_000;

/** Waits until Postgres has everything charged so far. @throws NotRecordedError */
export async function awaitRecord(config: Config, { logger }: DemoDependencies): Promise<void> {
  const pool = createReader(config, logger);
  const connection = createConnection(config, logger);
  try {
    await connection.open();
    const installation = await readInstallation(pool);
    const partitions = installation?.partitions ?? config.engine.partitions;
    const streams = createOutboxStreams(connection.engine);
    await untilRecorded({ partitions, timeoutMs: RECORDED_MS }, { streams });
  } finally {
    await connection.close();
    await pool.end();
  }
}

function createConnection(config: Config, logger: Logger): EngineConnection {
  return createEngineConnection(
    {
      ...config.redis,
      name: 'demo books',
      requestTimeoutMs: config.engine.requestTimeoutMs,
    },
    { logger },
  );
}

/**
 * Compares what the gateway counted with what was rated, unit by unit.
 * @throws BooksError where they differ.
 */
export async function proveUsage(
  config: Config,
  tally: readonly TallySession[],
  { logger, print }: DemoDependencies,
): Promise<void> {
  const pool = createReader(config, logger);
  try {
    const usage = await readSessionUsage(pool, {
      sessionIds: tally.map(({ sessionId }) => sessionId),
      since: new Date(0),
    });
    const charged = usage.map((one): ChargedService => ({
      ...one,
      unit: one.unit as SimulatedUnit,
      cost: null,
    }));
    const differences = compareTally(tally, charged).map(
      ({ sessionId, what, expected, actual }) =>
        `session ${sessionId}: ${what} is ${actual}, the gateway counted ${expected}`,
    );
    if (differences.length > 0) throw new BooksError(differences);
    print('Every unit that the gateway counted is in the rated events, once.');
  } finally {
    await pool.end();
  }
}

/**
 * Adds up the books of the demo's accounts from the facts in Postgres and compares them with what
 * Redis holds; nothing may be on its way ({@link awaitRecord}).
 * @throws BooksError
 */
export async function proveBooks(
  config: Config,
  { logger, print }: DemoDependencies,
): Promise<void> {
  const pool = createReader(config, logger);
  const connection = createConnection(config, logger);
  try {
    await connection.open();
    const rows: string[][] = [];
    const differences: string[] = [];
    for (const place of await demoAccounts(pool)) {
      const { accountId, partition } = place;
      const account = await readAccount(connection.engine, partition, accountId);
      const { recorded, lines } = await asTenant(pool, DEMO_TENANT, async (client) => ({
        recorded: await readRecordedAccount(client, accountId),
        lines: await readBooks(client, accountId),
      }));
      const books = new Map(lines.map((line) => [line.bucketId, line]));
      if (account?.sequence !== recorded?.lastSequence) {
        differences.push(
          `${accountId}: Redis is at event ${account?.sequence ?? 0}, Postgres at ${recorded?.lastSequence ?? 0}`,
        );
      }
      for (const bucket of account?.buckets ?? []) {
        const line = books.get(bucket.bucketId);
        const sum = (line?.ledger ?? 0n) + (line?.usage ?? 0n);
        if (sum !== BigInt(bucket.remaining)) {
          differences.push(
            `${accountId}, bucket ${bucket.bucketId}: the facts add up to ${sum}, Redis holds ${bucket.remaining}`,
          );
        }
        rows.push([
          accountId,
          bucket.bucketId,
          amountText(line?.ledger ?? 0n, bucket.resource),
          amountText(-(line?.usage ?? 0n), bucket.resource),
          amountText(bucket.remaining, bucket.resource),
          amountText(bucket.reserved, bucket.resource),
        ]);
      }
    }
    const headings = ['account', 'bucket', 'ledger', 'used', 'left in Redis', 'reserved'];
    for (const line of formatTable(headings, rows)) print(line);
    if (differences.length > 0) throw new BooksError(differences);
    print('The books balance: ledger less usage, both from Postgres, is what Redis holds.');
  } finally {
    await connection.close();
    await pool.end();
  }
}

/** The demo's connections to the record, which may read only. */
export function createReader(config: Config, logger: Logger): pg.Pool {
  return createDatabase(
    { url: config.postgres.url, name: 'tolld demo', connectionsMax: 2, role: 'reader' },
    { logger },
  );
}

async function demoAccounts(
  pool: pg.Pool,
): Promise<readonly { readonly accountId: string; readonly partition: number }[]> {
  const found = await Promise.all(
    [...Object.keys(DEMO_SUBSCRIBERS), DEMO_HOME_ACCOUNT].map((account) =>
      findAccounts(pool, account),
    ),
  );
  return found.flat().filter(({ tenant }) => tenant === DEMO_TENANT);
}
