/**
 * What does a Gy request cost in Node: the front's decoding and encoding, credit control, and the
 * round trip to Redis?
 * `npm run bench -- gy-front [--accounts N] [--requests N] [--rounds N] [--concurrency N]`
 */
import { createEngineConnection } from '../src/charging/engine-connection.js';
import type { Engine } from '../src/charging/engine.js';
import { openKeySpace } from '../src/charging/partitions.js';
import { publishConfiguration } from '../src/charging/provisioning.js';
import type { ScriptName } from '../src/charging/script-loader.js';
import { readAccount } from '../src/charging/snapshot.js';
import { createCatalogHolder } from '../src/credit-control/catalog-holder.js';
import { createCreditControlMetrics } from '../src/credit-control/metrics.js';
import { createCreditControl } from '../src/credit-control/session.js';
import {
  readCreditControlRequest,
  type AnswerContext,
  type GyRequest,
} from '../src/diameter/gy.js';
import { writeCreditControlAnswer } from '../src/diameter/gy-answer.js';
import { encodeIdentity } from '../src/diameter/identity.js';
import { DIAMETER_LIMITS } from '../src/diameter/limits.js';
import { MessageReader } from '../src/diameter/message-reader.js';
import { MessageWriter } from '../src/diameter/message-writer.js';
import { resolvePeer } from '../src/diameter/peer.js';
import type { CreditControlOutcome } from '../src/domain/credit-control.js';
import { createLogger } from '../src/observability/logger.js';
import { createMetrics } from '../src/observability/metrics.js';
import type { Catalog } from '../src/rating/catalog.js';
import { CATALOG, openAccount, SCOPE, TARIFF } from '../test/support/operator.js';
import { writeUpdate } from './ccr-update.js';
import { readNumbers } from './flags.js';
import { median } from './median.js';
import { startRedisProcess } from './redis-process.js';

/** Of an account: it lasts the measurement. */
const GRANTED_OCTETS = 2 ** 50;
const OPENED_AT_ONCE = 50;

interface Settings {
  readonly accounts: number;
  /** Requests of a round. */
  readonly requests: number;
  readonly rounds: number;
  readonly concurrency: number;
}

/** A call of a script as credit control made it. */
interface Call {
  readonly name: ScriptName;
  readonly keys: readonly string[];
  readonly args: readonly (string | Buffer)[];
}

/** One tariff for both services of the requests. */
function catalog(): Catalog {
  const [version] = TARIFF.versions;
  const [tenant] = CATALOG.tenants;
  if (version === undefined || tenant === undefined) throw new Error('nothing to rate by');
  const rules = [{ id: 'data', match: { ratingGroups: [10, 20] }, rate: 'data' }];
  const tariff = { ...TARIFF, versions: [{ ...version, rules, quotas: [] }] };
  return { ...CATALOG, tenants: [{ ...tenant, tariffs: [tariff] }] };
}

/** Requests of all accounts in turn, from a number on. */
function encodeUpdates({ accounts, requests }: Settings, first: number): readonly Buffer[] {
  const writer = new MessageWriter();
  return Array.from({ length: requests }, (_, index) => {
    const cursor = first + index;
    const requestNumber = 1 + Math.floor(cursor / accounts);
    writeUpdate(writer, { subscriber: cursor % accounts, requestNumber });
    return writer.take();
  });
}

/** Microseconds of this process' CPU for each of some works, so many at once. */
async function cpuOfEach<Work>(
  works: readonly Work[],
  concurrency: number,
  run: (work: Work) => Promise<void>,
): Promise<number> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let work = works[next++]; work !== undefined; work = works[next++]) await run(work);
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: concurrency }, worker));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / works.length;
}

/** A request with what was decided of it. */
interface Exchange {
  readonly message: Buffer;
  readonly outcome: CreditControlOutcome;
}

interface Front {
  /** From the octets of a request to those of its answer. */
  readonly answer: (message: Buffer) => Promise<void>;
  /** The same without asking credit control: the outcome is known. */
  readonly translate: (exchange: Exchange) => Promise<void>;
  /** What was asked and decided since the last asking. */
  readonly takeExchanges: () => readonly Exchange[];
  /** Sends to Redis again what the front sent, and reads what comes back. */
  readonly repeat: (call: Call) => Promise<void>;
  /** What the front sent since the last asking. */
  readonly takeCalls: () => readonly Call[];
  readonly errors: () => number;
}

async function openFront(real: Engine): Promise<Front> {
  let calls: Call[] = [];
  let exchanges: Exchange[] = [];
  let errors = 0;
  const engine: Engine = {
    ...real,
    scripts: {
      ...real.scripts,
      run: (redis, name, keys, args) => {
        calls.push({ name, keys, args });
        return real.scripts.run(redis, name, keys, args);
      },
    },
  };
  const logger = createLogger({ level: 'silent' });
  const holder = createCatalogHolder({ engine, logger });
  await holder.refresh();
  const handle = createCreditControl(
    { requestsInFlightMax: 1_000 },
    {
      ...{ engine, catalog: holder, logger, clock: Date.now },
      metrics: createCreditControlMetrics(createMetrics({ processMetrics: false })),
    },
  );
  const peer = resolvePeer({ name: 'pgw', originHost: null, realm: 'epc', networkScope: SCOPE });
  const identity = encodeIdentity({
    host: 'tolld-1.ocs.mnc001.mcc262.3gppnetwork.org',
    realm: 'ocs.mnc001.mcc262.3gppnetwork.org',
    originStateId: 1_791_200_000,
  });
  const reader = new MessageReader(DIAMETER_LIMITS);
  const writer = new MessageWriter();
  function decode(message: Buffer): GyRequest {
    const decoded = reader.read(message) === null ? readCreditControlRequest(reader, peer) : null;
    if (decoded === null) throw new Error(reader.fault?.reason ?? 'not decoded');
    return decoded;
  }

  function encode(context: AnswerContext, outcome: CreditControlOutcome): void {
    writeCreditControlAnswer(writer, context, outcome, { identity, profile: peer.profile });
    writer.take();
  }

  return {
    answer: async (message) => {
      const { request, context } = decode(message);
      const outcome = await handle(request);
      const isGranted =
        outcome.kind === 'answered' &&
        !outcome.repeated &&
        outcome.services.every(({ result }) => result === 'granted');
      if (!isGranted) errors += 1;
      encode(context, outcome);
      exchanges.push({ message, outcome });
    },
    translate: async ({ message, outcome }) => encode(decode(message).context, outcome),
    takeExchanges: () => {
      const taken = exchanges;
      exchanges = [];
      return taken;
    },
    repeat: async ({ name, keys, args }) => {
      await real.scripts.run(real.redis, name, keys, args);
    },
    takeCalls: () => {
      const taken = calls;
      calls = [];
      return taken;
    },
    errors: () => errors,
  };
}

/** What each request of a round reports, of both services together; see {@link writeUpdate}. */
function reportedBy(subscriber: number): number {
  return 2 * (1_048_576 + subscriber) + 2 * (524_288 + subscriber);
}

async function isBalanced(engine: Engine, { accounts }: Settings, sent: number): Promise<boolean> {
  for (let subscriber = 0; subscriber < accounts; subscriber += 1) {
    const requests = Math.floor(sent / accounts) + (subscriber < sent % accounts ? 1 : 0);
    const account = await readAccount(engine, 0, `account-${subscriber}`);
    const left = account?.buckets.find(({ resource }) => resource === 'octets')?.remaining;
    if (left !== GRANTED_OCTETS - requests * reportedBy(subscriber)) return false;
  }
  return true;
}

export async function run(args: readonly string[]): Promise<void> {
  const settings: Settings = readNumbers(args, {
    accounts: 500,
    requests: 5_000,
    rounds: 7,
    concurrency: 64,
  });
  const redis = await startRedisProcess({ persistence: 'none' });
  const connection = createEngineConnection(
    {
      url: redis.url,
      keyPrefix: 'tolld',
      name: 'bench',
      commandTimeoutMs: 5_000,
      requestTimeoutMs: 10_000,
    },
    { logger: createLogger({ level: 'silent' }) },
  );
  try {
    await connection.open();
    const { engine } = connection;
    await openKeySpace(engine, 1, null);
    await publishConfiguration(engine, 1, JSON.stringify(catalog()));
    await openAccounts(engine, settings);
    await measure(engine, settings);
  } finally {
    await connection.close();
    await redis.stop();
  }
}

async function openAccounts(engine: Engine, { accounts }: Settings): Promise<void> {
  const open = (subscriber: number): Promise<void> =>
    openAccount(engine, {
      accountId: `account-${subscriber}`,
      imsi: `262011${String(subscriber).padStart(9, '0')}`,
      octets: GRANTED_OCTETS,
    });
  for (let first = 0; first < accounts; first += OPENED_AT_ONCE) {
    const count = Math.min(OPENED_AT_ONCE, accounts - first);
    await Promise.all(Array.from({ length: count }, (_, index) => open(first + index)));
  }
}

async function measure(engine: Engine, settings: Settings): Promise<void> {
  const { rounds, requests, concurrency } = settings;
  const front = await openFront(engine);
  const wholes: number[] = [];
  const fronts: number[] = [];
  const roundTrips: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const messages = encodeUpdates(settings, round * requests);
    const whole = await cpuOfEach(messages, concurrency, front.answer);
    const roundTrip = await cpuOfEach(front.takeCalls(), concurrency, front.repeat);
    const translated = await cpuOfEach(front.takeExchanges(), concurrency, front.translate);
    // The first warms up.
    if (round === 0) continue;
    wholes.push(whole);
    fronts.push(translated);
    roundTrips.push(roundTrip);
  }
  const [whole, value, reference] = [median(wholes), median(fronts), median(roundTrips)];
  const rounded = (figure: number): number => Number(figure.toFixed(2));
  const balanced = await isBalanced(engine, settings, (rounds + 1) * requests);
  const errors = front.errors();
  console.log(
    JSON.stringify({
      bench: 'gy-front',
      value: rounded(value),
      unit: 'microseconds of CPU of the front per Gy update',
      reference: rounded(reference),
      ratio: rounded(value / reference),
      cpuUs: {
        front: rounded(value),
        creditControl: rounded(whole - value - reference),
        roundTrip: rounded(reference),
        whole: rounded(whole),
      },
      errors,
      balanced,
    }),
  );
  if (errors > 0 || !balanced) process.exitCode = 1;
}
