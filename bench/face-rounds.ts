/** Charges through the TypeScript face in this one process, a fixed number of them at once. */
import { charge } from '../src/charging/charge.js';
import { createEngineConnection } from '../src/charging/engine-connection.js';
import type { Engine } from '../src/charging/engine.js';
import { createLogger } from '../src/observability/logger.js';
import { chargeRequest, KEY_PREFIX, sessionIdOf, UNITS_PER_REQUEST } from './charge-workload.js';
import type { Bench } from './engine-rounds.js';
import { microsecondsIn, serverCpuUs } from './redis-process.js';

export interface FaceRound {
  readonly perSecond: number;
  /** Microseconds of CPU per charge. */
  readonly nodeCpuUs: number;
  readonly redisCpuUs: number;
  /** Microseconds of Redis in the script, per charge. */
  readonly scriptUs: number;
}

export interface OpenFace {
  readonly engine: Engine;
  close(): Promise<void>;
}

/** The engine of a process, as the daemon makes it. */
export async function openFace(
  { server, engine }: Bench,
  { connections }: { readonly connections: number },
): Promise<OpenFace> {
  const connection = createEngineConnection(
    {
      ...{ url: server.url, keyPrefix: KEY_PREFIX, name: 'bench', connections },
      commandTimeoutMs: 5_000,
      requestTimeoutMs: engine.limits.requestTimeoutMs,
    },
    { logger: createLogger({ level: 'silent' }) },
  );
  await connection.open();
  return connection;
}

/** Reports and asks for more in the session of one account after the other. */
export async function measureFaceRound(
  { settings, server, findings }: Bench,
  engine: Engine,
  round: {
    /** Requests made before. */
    readonly first: number;
    readonly concurrency: number;
    /** Takes what each request took, in ms; null for a round that warms up. */
    readonly latencies: number[] | null;
  },
): Promise<FaceRound> {
  const { requests, accounts } = settings;
  const { client } = server;
  const { first, concurrency, latencies } = round;
  let next = first;
  const worker = async (): Promise<void> => {
    while (next < first + requests) {
      const cursor = next;
      next += 1;
      const at = performance.now();
      const outcome = await charge(engine, updateAt(cursor, accounts));
      latencies?.push(performance.now() - at);
      if (outcome.kind !== 'answered' || outcome.repeated) findings.errors += 1;
    }
  };
  await client.config('RESETSTAT');
  const redisBefore = await serverCpuUs(client);
  const nodeBefore = process.cpuUsage();
  const started = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (performance.now() - started) / 1000;
  const node = process.cpuUsage(nodeBefore);
  const redisCpu = (await serverCpuUs(client)) - redisBefore;
  return {
    perSecond: requests / seconds,
    nodeCpuUs: (node.user + node.system) / requests,
    redisCpuUs: redisCpu / requests,
    scriptUs: (await microsecondsIn(client, 'fcall')) / requests,
  };
}

function updateAt(cursor: number, accounts: number): ReturnType<typeof chargeRequest> {
  const account = cursor % accounts;
  return chargeRequest({
    account,
    sessionId: sessionIdOf(account),
    number: 1 + Math.floor(cursor / accounts),
    phase: 'update',
    services: 1,
    used: UNITS_PER_REQUEST,
    want: UNITS_PER_REQUEST,
  });
}
