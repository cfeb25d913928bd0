/**
 * Brings the outbox streams into the record. A round is four steps: where am I (cursor), what is
 * there (batch), write it once and for all (idempotent by its offset), and say that it is written
 * (acknowledge). A crash between any two of them repeats or loses nothing: only Postgres knows how
 * far the record is, and is asked again.
 */
import type { OutboxStreams } from '../charging/stream.js';
import type { EntryId } from '../domain/events.js';
import type { FlushLeases, FlushOutcome, FlushWrite, RecordSink } from '../domain/flush.js';
import type { Logger } from '../observability/logger.js';
import { gather, type EntryDecoder, type Gathered } from './batch.js';
import { entryText, isBehind, type Cursor } from './cursor.js';
import { FailureStreak } from './failure-streak.js';
import { describeFault, type PartitionFault } from './fault.js';
import type { Listening } from './listening.js';
import { Marks } from './marks.js';
import type { OutboxMetrics } from './metrics.js';
import type { Pace, PoliteRound, Round, SteadyRound } from './pace.js';
import { pause } from './pause.js';
import { Places } from './places.js';
import { TrimPlan, trimLoop } from './trimming.js';

export interface FlusherOptions {
  /** How long an idle flusher waits before it reads again. */
  readonly intervalMs: number;
  /** Entries of one transaction, about. */
  readonly batchEntriesMax: number;
  /** Leases are renewed three times in this time. */
  readonly leaseMs: number;
  /** Entries stay in Redis this long after Postgres has them. */
  readonly trimAfterSeconds: number;
  /** How long a partition that stands still rests before it is tried again. */
  readonly faultRetryMs?: number;
}

const FAULT_RETRY_MS = 5_000;
/** While an account's former partition is still being flushed. */
const MOVING_RETRY_MS = 100;
const BACK_OFF = { waitMinMs: 100, waitMaxMs: 5_000 } as const;

export interface FlusherDependencies {
  readonly streams: OutboxStreams;
  readonly sink: RecordSink;
  readonly leases: FlushLeases;
  readonly decode: EntryDecoder;
  readonly logger: Logger;
  readonly metrics: OutboxMetrics;
  /** Lets those who charge go first; without it everything is flushed at full speed. */
  readonly courtesy?: { readonly pace: Pace; readonly listening: Listening };
}

export interface FlusherStatus {
  readonly heldPartitions: number;
  /** Partitions that stand still, and why. */
  readonly faults: readonly PartitionFault[];
  /** Since when nothing can be flushed; null while it can. */
  readonly failingSince: Date | null;
}

export interface Flusher {
  start(): void;
  /** Finishes the transaction in hand, gives the leases back. */
  stop(): Promise<void>;
  status(): FlusherStatus;
}

interface Reading {
  readonly cursors: readonly Cursor[];
  readonly gathered: Gathered;
  /** Null where there is nothing to write. */
  readonly write: FlushWrite | null;
}

export function createFlusher(options: FlusherOptions, dependencies: FlusherDependencies): Flusher {
  const { streams, sink, leases, decode, logger, metrics, courtesy } = dependencies;
  const places = new Places({
    faultRetryMs: options.faultRetryMs ?? FAULT_RETRY_MS,
    movingRetryMs: MOVING_RETRY_MS,
  });
  const plan = new TrimPlan({ keepMs: options.trimAfterSeconds * 1_000 });
  const streak = new FailureStreak({ ...BACK_OFF, batchEntriesMax: options.batchEntriesMax });
  const marks = new Marks({ intervalMs: options.intervalMs });
  const stopping = new AbortController();
  let loops: Promise<unknown> | null = null;
  let isLeased = false;
  /** What is read while Postgres writes what was read before it. */
  let ahead: Promise<Reading> | null = null;

  /** Partitions that rounds of some of them have had, so that the others come next. */
  let turn = 0;
  /** Partitions in a row that had nothing in their turn. */
  let empty = 0;

  /** Cursor: where to read on. Asks Postgres for the partitions of which only it knows. */
  async function findCursors(): Promise<readonly Cursor[]> {
    const unplaced = places.unplaced(performance.now());
    if (unplaced.length > 0) {
      const offsets = await sink.offsets(unplaced);
      await Promise.all([...offsets].map(([partition, offset]) => place(partition, offset)));
    }
    return places.cursors(performance.now());
  }

  async function place(partition: number, offset: EntryId): Promise<void> {
    const last = await streams.lastAdded(partition);
    if (offset.n >= 0 && (last === null || isBehind(last, offset))) {
      const shown = last === null ? 'nothing' : entryText(last);
      standStill({ kind: 'stream-behind', partition, recorded: entryText(offset), last: shown });
      return;
    }
    // Who wrote the offset may have died before it could tell the stream.
    if (offset.n >= 0) await streams.markRecorded(partition, offset);
    places.place(partition, offset);
    plan.recorded(partition, offset, performance.now());
  }

  /** Batch: what follows the cursors without a gap, ready to be written. */
  async function read(all: readonly Cursor[], round: Round): Promise<Reading> {
    const cursors = round.kind === 'full' ? all : takeTurns(all, partitionsOf(round, all.length));
    const most = round.kind === 'full' ? Infinity : round.entriesMax;
    const limits = { entriesMax: Math.min(streak.batchEntries, most) };
    const gathered = await gather(cursors, limits, { streams, decode });
    const { batches } = gathered;
    return { cursors, gathered, write: batches.length === 0 ? null : await sink.prepare(batches) };
  }

  function takeTurns(all: readonly Cursor[], count: number): readonly Cursor[] {
    const from = turn % Math.max(1, all.length);
    turn = from + count;
    return [...all.slice(from), ...all.slice(0, from)].slice(0, count);
  }

  /** Write: one transaction, which counts once by the offsets that it moves. */
  async function writeTimed(write: FlushWrite, round: Round): Promise<FlushOutcome> {
    const startedAt = performance.now();
    const isHeard = courtesy !== undefined && round.kind === 'polite';
    const outcome = await (isHeard ? courtesy.listening.during(write()) : write());
    if (outcome.kind === 'written') {
      metrics.flushed({
        entries: outcome.entries,
        events: outcome.events,
        quarantined: outcome.quarantined.length,
        unbalanced: outcome.unbalanced.length,
        durationSeconds: (performance.now() - startedAt) / 1_000,
      });
    }
    return outcome;
  }

  /** Acknowledge: goes on from there, and tells the streams and people what came of it. */
  async function acknowledge(
    outcome: FlushOutcome,
    readFaults: readonly PartitionFault[],
  ): Promise<void> {
    if (outcome.kind === 'superseded') {
      metrics.superseded();
      outcome.partitions.forEach(displace);
      metrics.lost(outcome.lost.length);
      for (const { partition, entry, impacts } of outcome.lost) {
        logger.error(
          { partition, entry: entryText(entry), impacts },
          'an entry is lost: Redis came back without it before it was recorded',
        );
      }
      return;
    }
    const { offsets, quarantined, unbalanced } = outcome;
    const faults = [...outcome.faults, ...readFaults];
    const stopped = new Set(faults.map(({ partition }) => partition));
    for (const [partition, offset] of offsets) {
      places.place(partition, offset);
      plan.recorded(partition, offset, performance.now());
      marks.note(partition, offset);
      const over = stopped.has(partition) ? null : places.resume(partition);
      if (over !== null) logger.info({ partition, fault: over.kind }, 'partition flushes again');
    }
    for (const entry of quarantined) {
      logger.error({ ...entry, entry: entryText(entry.entry) }, 'postgres refused an entry');
    }
    for (const { accountId, bucketId, remaining, expected } of unbalanced) {
      logger.error({ accountId, bucketId, remaining, expected }, 'a bucket does not add up');
    }
    faults.forEach(standStill);
    const now = performance.now();
    if (marks.isDue(now)) await tellMarks(now);
  }

  function tellMarks(now: number): Promise<void> {
    return marks.tellAll(now, (partition, offset) => streams.markRecorded(partition, offset));
  }

  /** From now on only Postgres knows where a partition stands. */
  function displace(partition: number): void {
    places.displace(partition);
    marks.forget(partition);
  }

  function standStill(fault: PartitionFault): void {
    const isNews = places.stop(fault, performance.now());
    if (!isNews) return;
    const fields = { ...fault, fault: describeFault(fault) };
    if (fault.kind === 'moving') logger.debug(fields, 'a partition waits for another');
    else logger.error(fields, 'a partition stands still');
  }

  /** @returns whether there may be more to flush at once, and the entries found. */
  async function flushRound(
    round: Round,
  ): Promise<{ readonly hasMore: boolean; readonly entries: number }> {
    const { cursors, gathered, write } = await (ahead ?? read(await findCursors(), round));
    ahead = null;
    const { entries } = gathered;
    if (write === null) {
      gathered.faults.forEach(standStill);
      await tellMarks(performance.now());
      return { hasMore: false, entries };
    }
    // Streams that hold more are read on, and made ready, while Postgres writes; that is of use only
    // if the write comes out as expected.
    const goesOn = gathered.more && round.kind === 'full';
    const next = goesOn ? read(advance(cursors, gathered), round) : null;
    next?.catch(() => undefined);
    try {
      const outcome = await writeTimed(write, round);
      await acknowledge(outcome, gathered.faults);
      const isWhole = outcome.kind === 'written' && outcome.faults.length === 0;
      if (isWhole && gathered.faults.length === 0) ahead = next;
      return { hasMore: gathered.more, entries };
    } catch (error) {
      for (const { partition } of gathered.batches) displace(partition);
      throw error;
    }
  }

  /** What comes next, after the rest that belongs to it. */
  async function nextRound(): Promise<Round> {
    if (courtesy === undefined) return { kind: 'full' };
    const round = courtesy.pace.next(performance.now());
    if (round.kind === 'polite') await courtesy.listening.rest(round.restMs, stopping.signal);
    if (round.kind === 'steady') await pause(round.restMs, stopping.signal);
    return round;
  }

  /** Whether there is nothing to do before more has come, and the round has no rest of its own. */
  function isIdle(
    round: Round,
    { hasMore, entries }: { readonly hasMore: boolean; readonly entries: number },
  ): boolean {
    if (round.kind === 'steady') return false;
    return round.kind === 'full' ? !hasMore : foundNothing(round, entries);
  }

  /** Whether all partitions had their turn and none had anything. */
  function foundNothing({ partitionsMax }: PoliteRound, entries: number): boolean {
    empty = entries > 0 ? 0 : empty + partitionsMax;
    if (entries > 0 || empty < places.size) return false;
    empty = 0;
    return true;
  }

  async function flushLoop(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const round = await nextRound();
        const startedAt = performance.now();
        const { hasMore, entries } = await flushRound(round);
        const now = performance.now();
        if (round.kind === 'polite') {
          courtesy?.pace.done({ entries, workedMs: now - startedAt }, now);
        }
        if (streak.length > 0) logger.info({ failures: streak.length }, 'flushing goes on');
        streak.succeed();
        metrics.held(places.size, places.faults);
        if (isIdle(round, { hasMore, entries })) {
          await pause(options.intervalMs, stopping.signal);
        }
      } catch (err) {
        ahead = null;
        const waitMs = streak.fail();
        metrics.failed();
        const fields = { err, failures: streak.length };
        if (streak.length === 1) logger.error(fields, 'flushing failed and is tried again');
        else logger.debug(fields, 'flushing failed again');
        await pause(waitMs, stopping.signal);
      }
    }
  }

  async function leaseLoop(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        places.hold(await leases.renew()).forEach((partition) => marks.forget(partition));
        isLeased = true;
      } catch (err) {
        logger.debug({ err }, 'leases could not be renewed');
      }
      await pause(isLeased ? options.leaseMs / 3 : options.intervalMs, stopping.signal);
    }
  }

  return {
    start: () => {
      const { signal } = stopping;
      loops ??= Promise.all([
        leaseLoop(),
        flushLoop(),
        trimLoop({ plan, signal }, { streams, logger }),
      ]);
    },
    stop: async () => {
      stopping.abort();
      await loops;
      try {
        await tellMarks(performance.now());
      } catch (err) {
        logger.debug({ err }, 'the streams could not be told; the next flusher tells them');
      }
      try {
        await leases.release();
      } catch (err) {
        logger.debug({ err }, 'leases could not be given back; they run out by themselves');
      }
    },
    status: () => ({
      heldPartitions: places.size,
      faults: places.faults,
      failingSince: streak.since,
    }),
  };
}

function partitionsOf(round: PoliteRound | SteadyRound, held: number): number {
  return round.kind === 'polite' ? round.partitionsMax : Math.ceil(held / round.turns);
}

/** The cursors behind what was read: where reading goes on if all of it is written. */
function advance(cursors: readonly Cursor[], { batches }: Gathered): readonly Cursor[] {
  const ends = new Map(
    batches.flatMap(({ partition, entries }) => {
      const last = entries.at(-1);
      return last === undefined ? [] : [[partition, last.id] as const];
    }),
  );
  return cursors.map((cursor) => ({
    ...cursor,
    offset: ends.get(cursor.partition) ?? cursor.offset,
  }));
}
