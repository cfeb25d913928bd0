/** Measures the backlog of all partitions again and again; any process may, flusher or not. */
import type { OutboxStreams } from '../charging/stream.js';
import { BEFORE_FIRST } from '../domain/flush.js';
import type { Logger } from '../observability/logger.js';
import { Arrivals } from './arrivals.js';
import {
  judgeBacklog,
  type BacklogLimits,
  type BacklogMeasure,
  type BacklogState,
} from './backlog.js';
import type { EntryDecoder } from './batch.js';
import type { OutboxMetrics } from './metrics.js';

export interface BacklogMonitorOptions {
  /** Of the whole key space. */
  readonly partitions: number;
  readonly intervalMs: number;
  readonly limits: BacklogLimits;
}

export interface BacklogMonitorDependencies {
  readonly streams: OutboxStreams;
  readonly decode: EntryDecoder;
  /** See {@link BacklogMeasure.diskRoom}. */
  readonly diskRoom: () => Promise<number | null>;
  readonly logger: Logger;
  readonly metrics?: OutboxMetrics;
  /** Called with each measure. */
  readonly onMeasure?: (measure: BacklogMeasure) => void;
  /** Called when the state changes. */
  readonly onState?: (state: BacklogState, measure: BacklogMeasure) => void;
}

export interface BacklogMonitor {
  readonly state: BacklogState;
  /** Measures and judges now. @throws while Redis can't be had; the state stays. */
  measure(): Promise<BacklogMeasure>;
  start(): void;
  stop(): Promise<void>;
}

export function createBacklogMonitor(
  { partitions, intervalMs, limits }: BacklogMonitorOptions,
  { streams, decode, diskRoom, logger, metrics, onMeasure, onState }: BacklogMonitorDependencies,
): BacklogMonitor {
  const arrivals = new Arrivals();
  let state: BacklogState = 'ok';
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | null = null;

  async function measure(): Promise<BacklogMeasure> {
    const measured = await measureBacklog(partitions, { streams, decode, diskRoom, arrivals });
    const next = judgeBacklog(measured, limits, state);
    metrics?.backlog(measured, next);
    onMeasure?.(measured);
    if (next !== state) {
      const log = next === 'ok' ? logger.info : logger.warn;
      log.call(logger, { from: state, to: next, ...measured }, 'outbox backlog');
      state = next;
      onState?.(next, measured);
    }
    return measured;
  }

  async function tick(): Promise<void> {
    try {
      await measure();
    } catch (err) {
      logger.debug({ err }, 'outbox backlog could not be measured');
    }
  }

  return {
    get state() {
      return state;
    },
    measure,
    start: () => {
      timer ??= setInterval(() => {
        running ??= tick().finally(() => {
          running = null;
        });
      }, intervalMs);
    },
    stop: async () => {
      clearInterval(timer);
      timer = undefined;
      await running;
    },
  };
}

async function measureBacklog(
  partitions: number,
  {
    streams,
    decode,
    diskRoom,
    arrivals,
  }: Pick<BacklogMonitorDependencies, 'streams' | 'decode' | 'diskRoom'> & {
    readonly arrivals: Arrivals;
  },
): Promise<BacklogMeasure> {
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  const [backlogs, memoryRatio, room, now] = await Promise.all([
    inGroups(numbers, (partition) => streams.backlog(partition)),
    streams.memoryRatio(),
    diskRoom(),
    streams.now(),
  ]);
  const behind = backlogs.filter(({ entries }) => entries > 0);
  const ages = await Promise.all(
    behind.map(async ({ partition, recorded }) => {
      const after = recorded ?? BEFORE_FIRST;
      const [oldest] = await streams.read(partition, after, 1);
      if (oldest === undefined) return 0;
      try {
        return now - decode(partition, oldest.id, oldest.packed).at;
      } catch {
        // Its partition stands still for it, and grows: that is what the rest must go on to tell.
        return 0;
      }
    }),
  );
  return {
    entries: behind.reduce((sum, { entries }) => sum + entries, 0),
    oldestAgeSeconds: Math.max(0, ...ages) / 1_000,
    arrivingPerSecond: arrivals.perSecond(backlogs, performance.now()),
    memoryRatio,
    diskRoom: room,
  };
}

/** Partitions that Redis is asked about at once: few, so that no charge waits behind all of them. */
const GROUP = 8;

async function inGroups<Item, Found>(
  items: readonly Item[],
  find: (item: Item) => Promise<Found>,
): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (let from = 0; from < items.length; from += GROUP) {
    found.push(...(await Promise.all(items.slice(from, from + GROUP).map(find))));
  }
  return found;
}
