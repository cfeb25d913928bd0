/**
 * Watches the fence: looks at every partition again and again, and at once when a call meets a closed
 * one, has closed ones compared with the record and opened, and lets through who waits for them.
 * Every process runs one; whichever comes first does the work.
 */
import type pg from 'pg';
import type { Engine } from '../charging/engine.js';
import type { GateKeeping } from '../charging/fence-gate.js';
import { readFence, type PartitionFence } from '../charging/partition-fence.js';
import type { EntryId } from '../domain/events.js';
import type { Logger } from '../observability/logger.js';
import { declareUnseen, type Sighting } from '../records/recoveries.js';
import type { RecoveryMetrics } from './metrics.js';
import { isReopenable, reopenPartitions, type Reopened } from './reopening.js';

export interface FenceKeeperOptions {
  /** Of the whole key space. */
  readonly partitions: number;
  /** Of the key space that belongs to the record. */
  readonly instance: string;
  /** Between two looks while all is open. */
  readonly intervalMs: number;
  /** Reports in a row that a session of the network may miss before it is taken for gone. */
  readonly missedReportsMax: number;
}

export interface FenceKeeperDependencies {
  readonly engine: Engine;
  readonly gate: GateKeeping;
  /** As the flusher's: with the right to read every tenant's facts. */
  readonly pool: pg.Pool;
  readonly logger: Logger;
  readonly metrics: RecoveryMetrics;
  readonly clock: () => number;
}

export interface FenceKeeper {
  /** Looks once, and then again and again. Resolves after the first look, whatever it found. */
  start(): Promise<void>;
  /** One look, with all that it leads to. @returns how many partitions are closed after it. */
  look(): Promise<number>;
  stop(): Promise<void>;
}

/** While something is closed: requests wait for it. */
const CLOSED_INTERVAL_MS = 50;
/** Between two looks at least, however many calls ask for one. */
const LOOK_PAUSE_MS = 10;
const FAILED_INTERVAL_MS = 200;
const LOOKS_AT_ONCE = 128;

export function createFenceKeeper(
  { partitions, instance, intervalMs, missedReportsMax }: FenceKeeperOptions,
  dependencies: FenceKeeperDependencies,
): FenceKeeper {
  const { engine, gate, pool, logger, metrics } = dependencies;
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  /** Where the outboxes stood when they were last seen open. */
  const seen = new Map<number, { readonly epoch: number; readonly last: EntryId | null }>();
  /** Not looked into yet: what was seen of epochs that have ended. */
  let sightings: readonly Sighting[] = [];
  let isStopping = false;
  let isFailing = false;
  let isMissing = false;
  let running: Promise<void> = Promise.resolve();
  let wake: () => void = () => undefined;
  let isAsked = false;
  gate.onClosed(() => {
    isAsked = true;
    wake();
  });

  async function look(): Promise<number> {
    const fences: PartitionFence[] = [];
    for (let from = 0; from < partitions; from += LOOKS_AT_ONCE) {
      const chunk = numbers.slice(from, from + LOOKS_AT_ONCE);
      fences.push(...(await Promise.all(chunk.map((each) => readFence(engine, each)))));
    }
    for (const fence of fences) if (fence.state === 'open') noticeOpen(fence);
    const closed = fences.filter(({ state }) => state !== 'open');
    tellOfMissing(closed);
    const reopenable = closed.filter(isReopenable).map(({ partition }) => partition);
    const reopened = new Set<number>();
    if (reopenable.length > 0) {
      metrics.closed(closed.length);
      const options = { partitions: reopenable, instance, missedReportsMax };
      await reopenPartitions(options, dependencies, (each) => {
        reopened.add(each.partition);
        tellOfOpening(each);
      });
    }
    metrics.closed(closed.length - reopened.size);
    await declareSightings();
    return closed.length - reopened.size;
  }

  function noticeOpen({ partition, epoch, last }: PartitionFence): void {
    const before = seen.get(partition);
    if (before !== undefined && before.last !== null && before.epoch < epoch) {
      sightings = [...sightings, { partition, seen: before.last, epoch }];
    }
    seen.set(partition, { epoch, last });
    gate.letThrough(partition);
  }

  function tellOfOpening({
    partition,
    epoch,
    verdict,
    last,
    recorded,
    accountsRestored,
    accountsSetAside,
  }: Reopened) {
    metrics.opened(verdict, { restored: accountsRestored, setAside: accountsSetAside.length });
    if (accountsSetAside.length > 0) {
      logger.error(
        { partition, accounts: accountsSetAside },
        'accounts could not be read in redis: set aside, and brought back from the record',
      );
    }
    const fields = { partition, epoch, verdict, redis: last, recorded, accountsRestored };
    if (verdict === 'behind') logger.error(fields, 'redis lacked events; replayed from the record');
    else logger.info(fields, 'partition compared with the record and opened');
    noticeOpen({ partition, epoch, last, state: 'open', reign: '' });
  }

  function tellOfMissing(closed: readonly PartitionFence[]): void {
    const missing = closed.filter(({ state }) => state === 'missing');
    if (missing.length > 0 && !isMissing) {
      logger.error(
        { partitions: missing.map(({ partition }) => partition) },
        'redis has no word of these partitions: it was emptied; run `tolld rebuild`',
      );
    }
    isMissing = missing.length > 0;
  }

  /** What somebody saw, and what neither Redis nor the record has now, is lost. */
  async function declareSightings(): Promise<void> {
    if (sightings.length === 0) return;
    const looked = sightings;
    const lost = await declareUnseen(pool, looked);
    sightings = sightings.filter((each) => !looked.includes(each));
    for (const [partition, entries] of lost) {
      metrics.lost(entries);
      logger.error({ partition, entries }, 'entries are lost: redis came back without them');
    }
  }

  async function lookSafely(): Promise<number> {
    isAsked = false;
    try {
      const closed = await look();
      if (isFailing) logger.info({}, 'the fence can be looked at again');
      isFailing = false;
      return closed === 0 ? intervalMs : CLOSED_INTERVAL_MS;
    } catch (error) {
      metrics.failed();
      if (!isFailing) logger.error({ err: error }, 'partitions could not be compared; tried again');
      isFailing = true;
      return FAILED_INTERVAL_MS;
    }
  }

  async function loop(firstWaitMs: number): Promise<void> {
    let waitMs = firstWaitMs;
    while (!isStopping) {
      if (!isAsked || isFailing) await pause(waitMs);
      else await pause(LOOK_PAUSE_MS);
      if (!isStopping) waitMs = await lookSafely();
    }
  }

  /** Until the time is up, or a call meets a closed partition. */
  function pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      wake = () => {
        if (isFailing && !isStopping) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  return {
    look,
    start: async () => {
      running = loop(await lookSafely());
    },
    stop: async () => {
      isStopping = true;
      wake();
      await running;
    },
  };
}
