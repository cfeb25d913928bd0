/** Looks, again and again, for what time ends: silent sessions, buckets. */
import type { Engine } from '../charging/engine.js';
import { dueTimers, sweepTimer, type SweepOutcome } from '../charging/sweeping.js';
import type { Logger } from '../observability/logger.js';
import type { Counter, Metrics } from '../observability/metrics.js';
import { createRounds } from './rounds.js';

export interface SweeperOptions {
  readonly partitions: number;
  readonly intervalMs: number;
  /** Timers of one partition that one round handles. */
  readonly batchMax: number;
}

export interface Sweeper {
  start(): void;
  /** One round over every partition; returns how many timers were handled. */
  runOnce(): Promise<number>;
  /** Ends after the round under way. */
  stop(): Promise<void>;
}

/** How long what a timer watches, and nobody can read, is left alone. */
const UNREADABLE_MS = 60_000;

/**
 * Makes a sweeper. Every process may run one: a timer that two of them sweep is acted on once,
 * since the script looks at what stands, not at who asks.
 */
export function createSweeper(
  options: SweeperOptions,
  dependencies: {
    readonly engine: Engine;
    readonly logger: Logger;
    readonly metrics: Metrics;
    readonly clock: () => number;
  },
): Sweeper {
  const { engine, logger, clock } = dependencies;
  const swept = sweptCounter(dependencies.metrics);
  /** Of each partition the timers that stay, as nobody can read what they watch; until when. */
  const stuck = Array.from({ length: options.partitions }, () => new Map<string, number>());

  async function runOnce(): Promise<number> {
    let handled = 0;
    for (const [partition, left] of stuck.entries()) {
      if (rounds.signal.aborted) break;
      handled += await sweepPartition(partition, left);
    }
    return handled;
  }

  async function sweepPartition(partition: number, left: Map<string, number>): Promise<number> {
    const now = clock();
    // Those that stay are the earliest: as many more, so that those behind them have their turn.
    const found = await dueTimers(engine, partition, now, options.batchMax + left.size);
    const due = found.filter(({ member }) => now >= (left.get(member) ?? 0));
    const outcomes = await Promise.all(due.map((timer) => sweepTimer(engine, timer)));
    for (const [index, timer] of due.entries()) {
      const kind = outcomes[index]?.kind ?? 'not-due';
      swept.inc({ outcome: kind });
      if (kind !== 'unreadable') {
        left.delete(timer.member);
        continue;
      }
      if (!left.has(timer.member)) {
        logger.error({ timer }, 'what a timer watches in redis is unreadable; see `tolld verify`');
      }
      left.set(timer.member, now + UNREADABLE_MS);
    }
    const standing = new Set(found.map(({ member }) => member));
    for (const member of left.keys()) if (!standing.has(member)) left.delete(member);
    return due.length;
  }

  const rounds = createRounds(options, {
    runOnce,
    onFailure: (error) => logger.warn({ err: error }, 'sweep failed; it is repeated'),
  });
  return { start: () => rounds.start(), runOnce, stop: () => rounds.stop() };
}

function sweptCounter(metrics: Metrics): Counter<'outcome'> {
  return metrics.counter<'outcome'>({
    name: 'tolld_sweeper_timers_total',
    help: `Timers handled, by outcome: ${OUTCOMES.join(', ')}.`,
    labels: ['outcome'],
  });
}

const OUTCOMES: readonly SweepOutcome['kind'][] = [
  'expired',
  'removed',
  'turned',
  'forgotten',
  'steered',
  'not-due',
  'fenced',
  'unreadable',
];
