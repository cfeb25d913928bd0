/**
 * Breaks an installation again and again under load, and proves after each blow and in the end that
 * nothing was lost or doubled: `verify` over everything, and what gateways and routers counted
 * against the record, to the unit and to the millionth.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { withBothStores } from '../../src/cli/both-stores.js';
import { awaitRecord } from '../../src/local/demo.js';
import { createLogger } from '../../src/observability/logger.js';
import { verify, type VerifyReport } from '../../src/recovery/verify.js';
import { randomSource } from '../support/random-source.js';
import { chooseBlows, familiesOf, type Family } from './blows.js';
import { startInstallation, type Installation } from './installation.js';
import type { Topology } from './redis-group.js';
import { startLoad, type Load, type LoadReport } from './load.js';

export interface ChaosOptions {
  /** The command line of tolld. */
  readonly program: string;
  readonly kills: number;
  readonly seed: number;
  /** Default: every family that this machine can strike. */
  readonly only?: readonly Family[];
  /** Default: a single server. */
  readonly topology?: Topology;
  /** Told of each step, for a person who waits. */
  readonly onStep: (line: string) => void;
}

export interface ChaosReport extends LoadReport {
  /** How often each family struck. */
  readonly blows: Readonly<Partial<Record<Family, number>>>;
}

/** Answers between two blows: the load is back at work. */
const ANSWERS_BETWEEN = { diameter: 30, radius: 10 };
const LONGEST_WAIT_MS = 180_000;
const POLL_MS = 20;
const FAULTS_SHOWN = 20;

const SILENT = createLogger({ level: 'silent' });

/** @throws when the installation does not come back to life. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const installation = await startInstallation({
    topology: options.topology ?? 'single',
    program: options.program,
  });
  try {
    return await strike(installation, options);
  } finally {
    await installation.remove();
  }
}

async function strike(
  installation: Installation,
  { kills, seed, only, onStep }: ChaosOptions,
): Promise<ChaosReport> {
  const able = familiesOf(installation);
  const families = only === undefined ? able : able.filter((family) => only.includes(family));
  if (families.length === 0) throw new Error('this machine cannot strike any of these families');
  onStep(`the installation runs; seed ${seed}, ${families.join(', ')}`);
  const blows = chooseBlows(kills, families, { source: randomSource(seed), installation });
  const struck: Partial<Record<Family, number>> = {};
  const faults: string[] = [];
  const load = startLoad(installation, seed);
  await backAtWork(load);
  for (const [index, blow] of blows.entries()) {
    await blow.strike(installation);
    struck[blow.family] = (struck[blow.family] ?? 0) + 1;
    await backAtWork(load);
    const found = [...(await endedBySelf(installation)), ...(await prove(installation))];
    faults.push(...found.map((fault) => `after blow ${index + 1}: ${fault}`));
    const verdict = found.length === 0 ? 'balances' : `${found.length} FAULTS`;
    onStep(`${index + 1} of ${blows.length}: ${blow.family}: ${blow.what}: ${verdict}`);
  }
  await load.end();
  await awaitRecord(installation.config, { logger: SILENT, print: () => undefined });
  faults.push(...(await prove(installation)));
  const report = await load.compare();
  return { ...report, blows: struck, faults: [...faults, ...report.faults] };
}

/** Resolves when the fronts have answered so many more requests of both protocols. */
async function backAtWork({ answers }: Load): Promise<void> {
  const diameter = answers.diameter + ANSWERS_BETWEEN.diameter;
  const radius = answers.radius + ANSWERS_BETWEEN.radius;
  const deadline = Date.now() + LONGEST_WAIT_MS;
  while (answers.diameter < diameter || answers.radius < radius) {
    if (Date.now() > deadline) throw new Error('the installation did not come back to life');
    await sleep(POLL_MS);
  }
}

/** Nothing may end because something else did. */
async function endedBySelf(installation: Installation): Promise<readonly string[]> {
  const fallen = installation.fallen();
  const faults = fallen.map((part) =>
    [`${part} had ended by itself; its last words:`, ...installation.lastWords(part)].join('\n  '),
  );
  await installation.restart(fallen);
  return faults;
}

/** Asks for the proof until both servers are there for it: some need a while after a blow. */
async function prove(installation: Installation): Promise<readonly string[]> {
  const deadline = Date.now() + LONGEST_WAIT_MS;
  for (;;) {
    try {
      return await proveOnce(installation);
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(POLL_MS);
    }
  }
}

/** The proof of `tolld verify`, beside the load. */
async function proveOnce({ config }: Installation): Promise<readonly string[]> {
  const { findings } = await withBothStores(
    config,
    { name: 'chaos', role: 'flusher' },
    (stores): Promise<VerifyReport> => verify({ partitions: stores.partitions }, stores),
  );
  return findings
    .slice(0, FAULTS_SHOWN)
    .map(({ kind, message, accountId, bucketId, sessionId }) =>
      [`${kind}: ${message}`, accountId, bucketId, sessionId].filter((word) => word).join(', '),
    );
}
