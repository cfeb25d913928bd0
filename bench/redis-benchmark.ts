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

/** Drives one command with redis-benchmark. Resolves to requests per second. */
export async function redisBenchmark(options: BenchmarkRun): Promise<number> {
  const { stdout } = await run('redis-benchmark', [
    ...['-h', '127.0.0.1', '-p', String(options.port), '-n', String(options.requests)],
    ...['-r', String(options.randomBelow), '-P', String(options.pipeline)],
    ...['-c', String(options.connections), '--csv', '-e'],
    ...options.command,
  ]);
  const line = stdout.trim().split('\n').at(-1) ?? '';
  const perSecond = Number(/","([\d.]+)"/.exec(line)?.[1]);
  if (!Number.isFinite(perSecond)) throw new Error(`redis-benchmark said: ${stdout}`);
  return perSecond;
}
