import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface BenchmarkRun {
  readonly port: number;
  readonly requests: number;
  /** `__rand_int__` in an argument becomes twelve digits below this. */
  readonly randomBelow: number;
  readonly pipeline: number;
  readonly connections: number;
  readonly command: readonly string[];
}

/**
 * Drives one command with redis-benchmark, in whole pipelines: one that ends in the middle of a
 * pipeline may count past its goal, and breaks off. Resolves to requests per second.
 */
export async function redisBenchmark(options: BenchmarkRun): Promise<number> {
  const { pipeline } = options;
  const requests = Math.ceil(options.requests / pipeline) * pipeline;
  const { stdout } = await run('redis-benchmark', [
    ...['-h', '127.0.0.1', '-p', String(options.port), '-n', String(requests)],
    ...['-r', String(options.randomBelow), '-P', String(pipeline)],
    ...['-c', String(options.connections), '--csv'],
    ...options.command,
  ]);
  const line = stdout.trim().split('\n').at(-1) ?? '';
  const perSecond = Number(/","([\d.]+)"/.exec(line)?.[1]);
  if (!Number.isFinite(perSecond)) throw new Error(`redis-benchmark said: ${stdout}`);
  return perSecond;
}
