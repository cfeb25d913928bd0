/** Opens closed partitions: compares them with the record, replays what Redis lacks, opens. */
import type pg from 'pg';
import type { Engine } from '../charging/engine.js';
import { openInReign, readFence, type PartitionFence } from '../charging/partition-fence.js';
import { readKeySpace } from '../charging/partitions.js';
import { inTransaction } from '../records/database.js';
import { compareWithRecord, noteOpened, type Comparison } from '../records/recoveries.js';
import { withRecoveryLock } from './recovery-lock.js';
import { replayPartition, type Replayed } from './replay.js';

export interface ReopeningDependencies {
  readonly engine: Engine;
  /** As the flusher's: with the right to read every tenant's facts. */
  readonly pool: pg.Pool;
  readonly clock: () => number;
}

export interface ReopeningOptions {
  readonly partitions: readonly number[];
  readonly instance: string;
  /** Reports in a row that a session of the network may miss before it is taken for gone. */
  readonly missedReportsMax: number;
}

/** A partition that is open again. */
export interface Reopened extends Comparison, Replayed {
  /** Where its outbox stood. */
  readonly last: PartitionFence['last'];
}

/** Redis holds another key space than the record's, or none: it is not ours to open. */
export class ForeignKeySpaceError extends Error {
  readonly code = 'TOLLD_KEY_SPACE';

  constructor(found: string | null) {
    super(
      found === null
        ? 'Redis was emptied while it was served; stop all processes and run `tolld rebuild`'
        : `Redis belongs to instance ${found} now; point REDIS_URL at the right one`,
    );
    this.name = 'ForeignKeySpaceError';
  }
}

/** Whether recovery may open it: not one of which Redis has no word, nor on a replica. */
export function isReopenable({ state, reign }: PartitionFence): boolean {
  return (state === 'closed' || state === 'held') && reign !== '';
}

/**
 * Opens what can be opened, the partitions that lack nothing first.
 * @param onOpened hears of each partition as soon as it is open.
 * @returns false where another process is at it.
 * @throws ForeignKeySpaceError, EngineUnavailableError, or Postgres' error; what is not open then
 * stays closed.
 */
export async function reopenPartitions(
  { partitions, instance, missedReportsMax }: ReopeningOptions,
  dependencies: ReopeningDependencies,
  onOpened: (reopened: Reopened) => void,
): Promise<boolean> {
  const { engine, pool } = dependencies;
  const done = await withRecoveryLock(pool, async () => {
    const space = await readKeySpace(engine);
    if (space?.instance !== instance) throw new ForeignKeySpaceError(space?.instance ?? null);
    const fences = await Promise.all(partitions.map((each) => readFence(engine, each)));
    const closed = fences.filter(isReopenable);
    if (closed.length === 0) return true;
    const compared = await inTransaction(pool, (client) => compareWithRecord(client, closed));
    const pairs = compared.map((comparison, index) => {
      return { comparison, fence: closed[index] as PartitionFence };
    });
    const isBehind = (pair: ComparedFence): boolean => pair.comparison.verdict === 'behind';
    const whole = pairs.filter((pair) => !isBehind(pair));
    await openAll(
      whole.map((pair) => ({ ...pair, accountsRestored: 0, accountsSetAside: [] })),
      dependencies,
      onOpened,
    );
    for (const pair of pairs.filter(isBehind)) {
      const { partition, last } = pair.fence;
      const replayed = await replayPartition({ partition, last, missedReportsMax }, dependencies);
      await openAll([{ ...pair, ...replayed }], dependencies, onOpened);
    }
    return true;
  });
  return done ?? false;
}

interface ComparedFence {
  readonly comparison: Comparison;
  readonly fence: PartitionFence;
}

/** Those whose server has begun another reign meanwhile stay closed, to be compared anew. */
async function openAll(
  compared: readonly (ComparedFence & Replayed)[],
  { engine, pool }: ReopeningDependencies,
  onOpened: (reopened: Reopened) => void,
): Promise<void> {
  const opened = await Promise.all(
    compared.map(async ({ comparison, fence, ...replayed }) => {
      const { partition, epoch, verdict, recorded } = comparison;
      const isOpen = await openInReign(engine, {
        ...{ partition, epoch, reign: fence.reign },
        ...(verdict === 'behind' && { standsAt: recorded }),
      });
      if (!isOpen) return [];
      const reopened = { ...comparison, last: fence.last, ...replayed };
      onOpened(reopened);
      return [reopened];
    }),
  );
  await noteOpened(pool, opened.flat());
}
