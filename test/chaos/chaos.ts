/**
 * Kills parts of an installation under load and proves afterwards that nothing was lost or doubled:
 * `verify` over everything, and the gateway's own count against the record, to the unit.
 */
import { withBothStores } from '../../src/cli/both-stores.js';
import { TRAFFIC } from '../../src/cli/simulated-traffic.js';
import { awaitRecord, proveUsage } from '../../src/local/demo.js';
import { createGySimulator } from '../../src/local/gy-simulator/simulator.js';
import { createLogger } from '../../src/observability/logger.js';
import { verify } from '../../src/recovery/verify.js';
import { randomSource } from '../support/random-source.js';
import { PARTS, REALM, startInstallation, type Installation, type Part } from './installation.js';

export interface ChaosOptions {
  readonly kills: number;
  readonly seed: number;
  /** Told of each step, for a person who waits. */
  readonly onStep: (line: string) => void;
}

export interface ChaosReport {
  readonly kills: number;
  readonly sessions: number;
  readonly requests: number;
  readonly sentAgain: number;
  /** What did not balance; empty where everything did. */
  readonly faults: readonly string[];
}

/** What happens to the installation at one moment. */
type Blow =
  | { readonly kind: 'kill'; readonly parts: readonly Part[]; readonly downMs: number }
  | { readonly kind: 'freeze'; readonly part: Part; readonly ms: number };

/** Answers between two blows: the load is back at work. */
const ANSWERS_BETWEEN = 40;
const LONGEST_WAIT_MS = 180_000;
/** A gateway that never gives up knows at the end what became of each of its requests. */
const TRIES_MAX = 100_000;

/** Alice and Dora of the example: buckets and money, and a plan with queued bundles. */
const SUBSCRIBERS = [
  { imsi: '262420000000001', msisdn: '491700000001' },
  { imsi: '262420000000004', msisdn: '491700000004' },
];

const SILENT = createLogger({ level: 'silent' });

/** @throws when the installation does not come back to life. */
export async function runChaos({ kills, seed, onStep }: ChaosOptions): Promise<ChaosReport> {
  const source = randomSource(seed);
  const installation = await startInstallation();
  try {
    onStep(`the installation runs; seed ${seed}`);
    return await strike(installation, { blows: blowsOf(kills, source), seed, onStep });
  } finally {
    await installation.remove();
  }
}

type RandomSource = ReturnType<typeof randomSource>;

/** Each part alone in turn, then whatever comes, one by one or together. */
function blowsOf(kills: number, source: RandomSource): readonly Blow[] {
  return Array.from({ length: kills }, (_, index): Blow => {
    const alone = PARTS[index];
    if (alone !== undefined) return { kind: 'kill', parts: [alone], downMs: source.integer(300) };
    if (source.integer(6) === 0) {
      const part = source.integer(2) === 0 ? 'redis' : 'postgres';
      return { kind: 'freeze', part, ms: 200 + source.integer(3_000) };
    }
    const together = PARTS.filter(() => source.integer(3) === 0);
    const parts = together.length > 0 ? together : [PARTS[source.integer(PARTS.length)] ?? 'redis'];
    return { kind: 'kill', parts, downMs: source.integer(1_500) };
  });
}

async function strike(
  installation: Installation,
  { blows, seed, onStep }: { readonly blows: readonly Blow[] } & Omit<ChaosOptions, 'kills'>,
): Promise<ChaosReport> {
  let answers = 0;
  const gateway = createGySimulator(
    {
      nodes: installation.nodes,
      originHost: 'gateway.demo.internal',
      originRealm: 'demo.internal',
      destinationRealm: REALM,
      subscribers: SUBSCRIBERS,
      traffic: [TRAFFIC.data],
      sessions: null,
      concurrent: 6,
      thinkMs: { min: 5, max: 50 },
      routing: 'alternate',
      retransmitShare: 0.05,
      answerMs: 4_000,
      triesMax: TRIES_MAX,
      seed,
    },
    {
      logger: SILENT,
      onEvent: (event) => {
        if (event.type === 'answer') answers += 1;
      },
    },
  );
  const running = gateway.run();
  const moreAnswers = async (): Promise<void> => {
    const goal = answers + ANSWERS_BETWEEN;
    const deadline = Date.now() + LONGEST_WAIT_MS;
    while (answers < goal) {
      if (Date.now() > deadline) throw new Error('the installation did not come back to life');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const faults: string[] = [];
  for (const [index, blow] of blows.entries()) {
    await moreAnswers();
    onStep(`${index + 1} of ${blows.length}: ${describe(blow)}`);
    if (blow.kind === 'freeze') {
      await installation.freeze(blow.part, blow.ms);
      continue;
    }
    await installation.kill(blow.parts);
    await new Promise((resolve) => setTimeout(resolve, blow.downMs));
    await installation.restart(blow.parts);
  }
  await moreAnswers();
  gateway.stop();
  const { statistics, tally } = await running;
  onStep(`${statistics.requests} requests of ${statistics.sessionsStarted} sessions; proving`);
  const { config } = installation;
  await awaitRecord(config, { logger: SILENT, print: () => undefined });
  faults.push(...(await verified(installation)));
  if (statistics.unanswered > 0) faults.push(`${statistics.unanswered} requests unanswered`);
  if (statistics.repeatMismatches > 0) {
    faults.push(`${statistics.repeatMismatches} repeated requests were answered differently`);
  }
  try {
    await proveUsage(config, tally, { logger: SILENT, print: () => undefined });
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error));
  }
  return {
    kills: blows.length,
    sessions: statistics.sessionsStarted,
    requests: statistics.requests,
    sentAgain: statistics.retransmitted,
    faults,
  };
}

function describe(blow: Blow): string {
  if (blow.kind === 'freeze') return `${blow.part} stands still for ${blow.ms} ms`;
  return `kill -9 of ${blow.parts.join(', ')}, back after ${blow.downMs} ms`;
}

async function verified({ config }: Installation): Promise<readonly string[]> {
  const { balanced, findings } = await withBothStores(
    config,
    { name: 'chaos', role: 'flusher' },
    (stores) => verify({ partitions: stores.partitions }, stores),
  );
  if (balanced) return [];
  return findings.map(({ kind, message }) => `${kind}: ${message}`);
}
