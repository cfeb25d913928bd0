/** Fills an empty Redis from Postgres: every account as its facts left it, behind the fence. */
import type pg from 'pg';
import type { Engine } from '../charging/engine.js';
import { SCHEMA_VERSION } from '../charging/generated/layout.js';
import { holdPartition, openPartition, readFence } from '../charging/partition-fence.js';
import { readKeySpace } from '../charging/partitions.js';
import { restoreAccount } from '../charging/restoring.js';
import { raiseSteering } from '../charging/steering.js';
import { inTransaction } from '../records/database.js';
import type { Installation } from '../records/installation.js';
import { listRecordedAccounts, readRecordedOffsets } from '../records/recorded-state.js';
import { readOpenOrders, type OpenOrder } from '../records/steering-attempts.js';
import { endForgottenSessions, readAddressPools, readRestorable } from '../records/restorable.js';
import { readInSnapshot } from './gathering.js';
import { withRecoveryLock } from './recovery-lock.js';
import { restoredAccount, type RestoreOptions } from './restored-account.js';
import { holdPools, leaseAgain } from './restored-network.js';

/** Nothing may be rebuilt as things are; the message says why. */
export class RebuildRefusedError extends Error {
  readonly code = 'TOLLD_REBUILD';
}

export interface RebuildOptions {
  readonly installation: Installation;
  /** How long an ended RADIUS session keeps its totals, and an open one may stay silent at first. */
  readonly sessionRetentionMs?: number;
  /** As {@link RestoreOptions} has it: the setting of those who charge. */
  readonly missedReportsMax: number;
}

export interface RebuildDependencies {
  readonly engine: Engine;
  /** With the right to read every tenant, and to end sessions in the record. */
  readonly pool: pg.Pool;
  /** Brings configuration, profiles and pending changes to Redis; called once accounts are open. */
  readonly publish: () => Promise<void>;
  readonly clock: () => number;
  readonly onProgress?: (progress: RebuildProgress) => void;
}

export interface RebuildProgress {
  readonly partition: number;
  readonly partitions: number;
  readonly accounts: number;
}

export interface RebuildReport {
  readonly epoch: number;
  readonly accounts: number;
  readonly buckets: number;
  /** RADIUS sessions that go on, or whose end is known. */
  readonly sessions: number;
  /** Sessions that the record had open and that are unknown from now on. */
  readonly sessionsForgotten: number;
  /** What staff had asked for of sessions that go on, and what is attempted again. */
  readonly ordersAgain: readonly OpenOrder[];
}

/** A day: what a NAS sends later than that belongs to nobody. */
const SESSION_RETENTION_MS = 24 * 3_600_000;
const ACCOUNTS_AT_ONCE = 200;
/** Field of the key space's description while a rebuild is under way. */
const UNDER_WAY = 'rebuild';

/**
 * Rebuilds. One that broke off is taken up by calling this again.
 * @throws RebuildRefusedError over a Redis that is in use, or while another recovery runs.
 */
export async function rebuild(
  options: RebuildOptions,
  dependencies: RebuildDependencies,
): Promise<RebuildReport> {
  const report = await withRecoveryLock(dependencies.pool, () =>
    rebuildLocked(options, dependencies),
  );
  if (report === null) throw new RebuildRefusedError('another recovery is running');
  return report;
}

async function rebuildLocked(
  { installation, missedReportsMax, sessionRetentionMs = SESSION_RETENTION_MS }: RebuildOptions,
  dependencies: RebuildDependencies,
): Promise<RebuildReport> {
  const { engine, pool, publish, clock, onProgress } = dependencies;
  const { partitions, instanceId } = installation;
  const { redis, keys } = engine;
  const isRestored = await refuseOverLive(engine, partitions);
  const epoch = await nextEpoch(pool);
  const report = { epoch, accounts: 0, buckets: 0, sessions: 0, sessionsForgotten: 0 };
  const orders = await readInSnapshot(pool, readOpenOrders);
  if (!isRestored) {
    for (let partition = 0; partition < partitions; partition += 1) {
      await holdPartition(engine, partition, epoch);
    }
    const now = clock();
    const options: RestoreOptions = { now, sessionRetentionMs, missedReportsMax };
    const pools = await readInSnapshot(pool, readAddressPools);
    await holdPools(engine, pools, now);
    for (let partition = 0; partition < partitions; partition += 1) {
      const ids = await readInSnapshot(pool, (client) => listRecordedAccounts(client, partition));
      for (let from = 0; from < ids.length; from += ACCOUNTS_AT_ONCE) {
        const chunk = ids.slice(from, from + ACCOUNTS_AT_ONCE);
        const endedSince = new Date(now - sessionRetentionMs);
        const found = await readInSnapshot(pool, (client) =>
          readRestorable(client, chunk, { endedSince }),
        );
        const accounts = found.map((each) => restoredAccount(each, options));
        await Promise.all(accounts.map((account) => restoreAccount(engine, account)));
        await Promise.all(
          accounts.map((account) => leaseAgain(engine, account, pools, missedReportsMax)),
        );
        report.accounts += accounts.length;
        for (const { buckets, sessions } of accounts) {
          report.buckets += buckets.length;
          report.sessions += sessions.length;
        }
        report.sessionsForgotten += await forgetSessions(pool, chunk);
      }
      onProgress?.({ partition, partitions, accounts: report.accounts });
    }
    await redis.hset(keys.meta, UNDER_WAY, 'restored');
  }
  for (let partition = 0; partition < partitions; partition += 1) {
    const fence = await readFence(engine, partition);
    if (fence.state !== 'open') await openPartition(engine, partition, fence.epoch);
  }
  const ordersAgain = await orderAgain(engine, orders);
  await publish();
  // Last: a process that starts earlier finds no key space and refuses.
  await redis.hset(keys.meta, { instance: instanceId, schema: SCHEMA_VERSION, partitions });
  await redis.hdel(keys.meta, UNDER_WAY);
  return { ...report, ordersAgain };
}

/** @returns those whose sessions have gone on. */
async function orderAgain(
  engine: Engine,
  orders: readonly OpenOrder[],
): Promise<readonly OpenOrder[]> {
  const raised: OpenOrder[] = [];
  for (const order of orders) {
    const { kind } = order;
    if (await raiseSteering(engine, order, { kind, reason: 'demand' })) raised.push(order);
  }
  return raised;
}

/** @returns whether a rebuild that broke off had restored everything already. */
async function refuseOverLive(engine: Engine, partitions: number): Promise<boolean> {
  const space = await readKeySpace(engine);
  if (space !== null) {
    throw new RebuildRefusedError(
      `Redis is in use (instance ${space.instance}); only an empty one is rebuilt: ` +
        'stop all processes and empty it first, if that is what you want',
    );
  }
  if ((await engine.redis.hget(engine.keys.meta, UNDER_WAY)) === 'restored') return true;
  for (let partition = 0; partition < partitions; partition += 1) {
    const { state } = await readFence(engine, partition);
    if (state === 'held' || state === 'missing') continue;
    throw new RebuildRefusedError(
      `partition ${partition} is in use though Redis has no key space: it lost a part of its keys; ` +
        'empty it whole first',
    );
  }
  return false;
}

/** Behind every entry that was ever recorded: numbers used twice can't be taken for each other. */
async function nextEpoch(pool: pg.Pool): Promise<number> {
  const offsets = await readInSnapshot(pool, readRecordedOffsets);
  return Math.max(0, ...[...offsets.values()].map(({ epoch }) => epoch)) + 1;
}

function forgetSessions(pool: pg.Pool, accountIds: readonly string[]): Promise<number> {
  return inTransaction(pool, async (client) => {
    await client.query(`SELECT set_config('app.tenant', '*', true)`);
    return endForgottenSessions(client, accountIds);
  });
}
