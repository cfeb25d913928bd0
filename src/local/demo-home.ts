/**
 * The demo operator's home (examples/operator-radius.yaml): a simulated router whose session over
 * RADIUS a person can watch, and the proof that the record has what the router counted.
 */
import { describeRadiusEvent, describeRadiusResult } from '../cli/radius-simulation-report.js';
import { toAmount } from '../domain/amounts.js';
import { sessionKeyOf } from '../radius/session-key.js';
import { readNetworkUsage } from '../records/network-usage.js';
import type { Config } from '../settings.js';
import { amountText, BooksError, createReader, type DemoDependencies } from './demo.js';
import { usageDifferences } from './radius-simulator/comparison.js';
import { createRadiusSimulator, type RadiusTallySession } from './radius-simulator/simulator.js';
import type { SimulatedServer } from './radius-simulator/traffic.js';

const NAS = 'demo-router';
/** As examples/operator-radius.yaml has them, which says that they are to be changed. */
const NAS_SECRET = 'change-me-demo-router';
const SUBSCRIBER = {
  userName: 'erin@demo.example',
  password: 'change-me-erin',
  station: '02:00:5E:00:00:01',
  service: 'pppoe',
  method: 'chap',
} as const;
/** One euro for each gigabyte, in megabytes begun; money is in millionths. */
const TARIFF = { stepOctets: 1_000_000n, stepCost: 1_000n, currency: 'EUR' };

/** The session did not go through: the login was refused, or an answer is missing. */
export class DemoSessionError extends Error {
  readonly code = 'TOLLD_DEMO_SESSION';
}

export interface DemoHomeOptions {
  readonly server: SimulatedServer;
  readonly interims: number;
  /** Pause of the session between two reports, in ms. */
  readonly thinkMs: number;
  readonly seed: number;
}

/** A session as the router counted it. */
export interface DemoHomeSession {
  readonly startedAt: Date;
  readonly tally: RadiusTallySession;
}

export interface DemoHome {
  /** Plays one session and tells what happens. @throws DemoSessionError */
  play(): Promise<DemoHomeSession>;
  /** Ends the session under way. */
  stop(): void;
}

/** The router of the demo operator: login, start, interim reports, stop. */
export function createDemoHome(
  { server, interims, thinkMs, seed }: DemoHomeOptions,
  { print }: Pick<DemoDependencies, 'print'>,
): DemoHome {
  const simulator = createRadiusSimulator(
    {
      servers: [server],
      secret: NAS_SECRET,
      nasIdentifier: NAS,
      nasAddress: '127.0.0.1',
      subscribers: [SUBSCRIBER],
      sessions: 1,
      interims: { min: interims, max: interims },
      downloadPerInterim: { min: 2_000_000, max: 20_000_000 },
      thinkMs: { min: thinkMs, max: thinkMs },
      seed,
    },
    {
      onEvent: (event) => {
        const line = describeRadiusEvent(event);
        if (line !== null) print(`${new Date().toISOString().slice(11, 23)}  ${line}`);
      },
    },
  );
  return {
    play: async () => {
      const startedAt = new Date();
      const result = await simulator.run();
      for (const line of describeRadiusResult(result)) print(line);
      const [tally] = result.tally;
      if (tally === undefined) throw new DemoSessionError('the router played no session');
      const { end, certain } = tally;
      if ((end !== 'finished' && end !== 'stopped') || !certain) {
        throw new DemoSessionError(`the session of ${tally.userName} did not finish: ${end}`);
      }
      return { startedAt, tally };
    },
    stop: () => simulator.stop(),
  };
}

/** What the router's own count costs. */
function costOf({ reported }: RadiusTallySession): bigint {
  const octets = BigInt(reported.uploadOctets) + BigInt(reported.downloadOctets);
  const steps = (octets + TARIFF.stepOctets - 1n) / TARIFF.stepOctets;
  return steps * TARIFF.stepCost;
}

/**
 * Compares what the router counted, and what that costs, with the record, which must have all of it.
 * @throws BooksError where they differ.
 */
export async function proveHome(
  config: Config,
  { startedAt, tally }: DemoHomeSession,
  { logger, print }: DemoDependencies,
): Promise<void> {
  const pool = createReader(config, logger);
  try {
    const key = sessionKeyOf(
      { nas: NAS, device: null },
      Buffer.from(tally.acctSessionId, 'latin1'),
    );
    const query = { sessionKeys: [key], since: startedAt, unit: 'octets' } as const;
    const { used, cost } = (await readNetworkUsage(pool, query)).get(key) ?? { used: 0n, cost: 0n };
    const differences = usageDifferences([tally], () => used, 'total').map(
      ({ least, charged }) =>
        `session ${tally.acctSessionId}: octets are ${charged}, the router counted ${least}`,
    );
    const expected = costOf(tally);
    if (cost !== expected) {
      differences.push(
        `session ${tally.acctSessionId}: cost is ${cost}, the router's count costs ${expected}`,
      );
    }
    if (differences.length > 0) throw new BooksError(differences);
    const price = amountText(toAmount(cost), TARIFF.currency);
    print(`Every octet that the router counted is in the rated events, once, for ${price}.`);
  } finally {
    await pool.end();
  }
}
