/** Charges through the TypeScript face in this one process, a fixed number of them at once. */
import { charge } from '../src/charging/charge.js';
import type { Engine } from '../src/charging/engine.js';
import { createRedisClient } from '../src/charging/redis-client.js';
import { createLogger } from '../src/observability/logger.js';
import { checkBooks } from './charge-books.js';
import { chargeRequest, sessionIdOf, UNITS_PER_REQUEST } from './charge-workload.js';
import { seed, type Bench } from './engine-rounds.js';
import { median, percentile } from './median.js';
import { microsecondsPerCall, serverCpuUs } from './redis-process.js';

export interface Face {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** Microseconds of CPU per charge. */
  readonly nodeCpuUs: number;
  readonly redisCpuUs: number;
  /** Microseconds of Redis in the script, per charge. */
  readonly scriptUs: number;
}

type Round = Pick<Face, 'perSecond' | 'nodeCpuUs' | 'redisCpuUs' | 'scriptUs'>;

export async function measureFace(bench: Bench): Promise<Face> {
  const { rounds, requests, concurrency } = bench.settings;
  const seeded = await seed(bench, {});
  const redis = createRedisClient(
    { url: bench.server.url, commandTimeoutMs: 5_000, name: 'bench' },
    { logger: createLogger({ level: 'silent' }) },
  );
  await redis.connect();
  const engine: Engine = { ...bench.engine, redis };
  const latencies: number[] = [];
  const measured: Round[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const kept = round === 0 ? null : latencies;
    const result = await measureFaceRound(bench, engine, round * requests, kept);
    if (round > 0) measured.push(result);
  }
  redis.disconnect();
  const reported = (rounds + 1) * requests * UNITS_PER_REQUEST;
  bench.findings.judge(await checkBooks(bench.engine, seeded, reported));
  const middle = (field: keyof Round): number => median(measured.map((round) => round[field]));
  const face: Face = {
    perSecond: middle('perSecond'),
    nodeCpuUs: middle('nodeCpuUs'),
    redisCpuUs: middle('redisCpuUs'),
    scriptUs: middle('scriptUs'),
    p50Ms: percentile(latencies, 50),
    p95Ms: percentile(latencies, 95),
    p99Ms: percentile(latencies, 99),
  };
  console.log(
    `face      one Node process, ${concurrency} at once: ${Math.round(face.perSecond)}/s, ` +
      `p50 ${face.p50Ms.toFixed(2)} ms, p99 ${face.p99Ms.toFixed(2)} ms, ` +
      `${face.nodeCpuUs.toFixed(1)} us of Node, ${face.scriptUs.toFixed(1)} us in the script`,
  );
  return face;
}

async function measureFaceRound(
  bench: Bench,
  engine: Engine,
  first: number,
  latencies: number[] | null,
): Promise<Round> {
  const { requests, concurrency, accounts } = bench.settings;
  const { client } = bench.server;
  let next = first;
  const worker = async (): Promise<void> => {
    while (next < first + requests) {
      const cursor = next;
      next += 1;
      const at = performance.now();
      const outcome = await charge(engine, updateAt(cursor, accounts));
      latencies?.push(performance.now() - at);
      if (outcome.kind !== 'answered' || outcome.repeated) bench.findings.errors += 1;
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
    scriptUs: await microsecondsPerCall(client, 'fcall'),
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
