/** What a charge costs on its way through one Node process. */
import { checkBooks } from './charge-books.js';
import { UNITS_PER_REQUEST } from './charge-workload.js';
import { seed, type Bench } from './engine-rounds.js';
import { measureFaceRound, openFace, type FaceRound } from './face-rounds.js';
import { median, percentile } from './median.js';

export interface Face extends FaceRound {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export async function measureFace(bench: Bench): Promise<Face> {
  const { rounds, requests, concurrency } = bench.settings;
  const seeded = await seed(bench, {});
  const { engine, close } = await openFace(bench, { connections: 1 });
  const latencies: number[] = [];
  const measured: FaceRound[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const result = await measureFaceRound(bench, engine, {
      first: round * requests,
      concurrency,
      latencies: round === 0 ? null : latencies,
    });
    if (round > 0) measured.push(result);
  }
  await close();
  const reported = (rounds + 1) * requests * UNITS_PER_REQUEST;
  bench.findings.judge(await checkBooks(bench.engine, seeded, reported));
  const middle = (field: keyof FaceRound): number => median(measured.map((round) => round[field]));
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
