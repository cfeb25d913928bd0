/** An installation with the demo operator loaded, and the proofs that `npm start -- --once` makes. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadConfig } from '../../src/config.js';
import {
  awaitRecord,
  DEMO_SUBSCRIBERS,
  proveBooks,
  proveUsage,
  type DemoDependencies,
} from '../../src/local/demo.js';
import {
  createGySimulator,
  type GySimulator,
  type SimulatorEvent,
} from '../../src/local/gy-simulator/simulator.js';
import type { TallySession } from '../../src/local/gy-simulator/tally.js';
import type { GySimulatorOptions } from '../../src/local/gy-simulator/traffic.js';
import { createLogger } from '../../src/observability/logger.js';
import type { Config } from '../../src/settings.js';
import { runTolld, TEST_REALM, type DaemonOptions } from './daemon.js';
import { makeScratchDirectory } from './scratch-directory.js';

const EXAMPLE = path.resolve(import.meta.dirname, '..', '..', 'examples', 'operator.yaml');

export type Servers = Pick<DaemonOptions, 'redisUrl' | 'keyPrefix' | 'postgresUrl' | 'layout'>;

/** What the daemons of these servers are told, for commands beside them. */
export function environmentOf(servers: Servers): Readonly<Record<string, string>> {
  const { redisUrl, keyPrefix, postgresUrl, layout } = servers;
  return {
    TOLLD_REDIS_URL: redisUrl,
    TOLLD_REDIS_KEY_PREFIX: keyPrefix,
    TOLLD_POSTGRES_URL: postgresUrl,
    TOLLD_ENGINE_PARTITIONS: '8',
    ...(layout === undefined
      ? {}
      : { TOLLD_REDIS_TOPOLOGY: layout.topology, TOLLD_REDIS_NODES: layout.nodes.join(',') }),
  };
}

/** The configuration that the daemons of these servers have, for what looks beside them. */
export function configOf(servers: Servers): Config {
  return loadConfig({ environment: environmentOf(servers) }).config;
}

/** Runs `tolld load` with the example operator, and more peers where a test needs them (YAML). */
export async function loadDemoOperator(servers: Servers, morePeers = ''): Promise<void> {
  const file = path.join(makeScratchDirectory('operator'), 'operator.yaml');
  writeFileSync(file, `${readFileSync(EXAMPLE, 'utf8')}${morePeers}`);
  const { exitCode, stderr } = await runTolld(['load', file], {
    environment: environmentOf(servers),
  });
  if (exitCode !== 0) throw new Error(`tolld load failed: ${stderr}`);
}

/** The demo's gateway over some nodes; what is not named plays data sessions of all subscribers. */
export function demoGateway(
  options: Partial<GySimulatorOptions> & Pick<GySimulatorOptions, 'nodes' | 'seed' | 'traffic'>,
  onEvent: (event: SimulatorEvent) => void = () => undefined,
): GySimulator {
  return createGySimulator(
    {
      originHost: 'gateway.demo.internal',
      originRealm: 'demo.internal',
      destinationRealm: TEST_REALM,
      subscribers: Object.values(DEMO_SUBSCRIBERS),
      sessions: 20,
      concurrent: 5,
      ...options,
    },
    { logger: createLogger({ level: 'silent' }), onEvent },
  );
}

/**
 * Waits for the record, then proves that it holds just what the gateway counted and that every bucket
 * is what its ledger and its usage add up to. @throws BooksError with the differences.
 */
export async function proveAccounts(
  servers: Servers,
  tally: readonly TallySession[],
): Promise<readonly string[]> {
  const config = configOf(servers);
  const printed: string[] = [];
  const dependencies: DemoDependencies = {
    logger: createLogger({ level: 'silent' }),
    print: (line) => printed.push(line),
  };
  await awaitRecord(config, dependencies);
  await proveUsage(config, tally, dependencies);
  await proveBooks(config, dependencies);
  return printed;
}
