/**
 * Brings accounts to Redis: header, balances in the order of their intents, profiles. Each step is
 * harmless when repeated, so whatever a crash cuts off is simply done again (docs/architecture.md,
 * "Management changes"). An intent is settled by the event that it caused, not here.
 */
import type pg from 'pg';
import { AccountMissingError } from '../../charging/provisioning.js';
import type { EventStamp } from '../../domain/events.js';
import type { Logger } from '../../observability/logger.js';
import type { EngineFace } from '../engine-face.js';
import type { ManagementMetrics } from '../metrics.js';
import { boundIdleTime, type Transact } from '../transaction.js';
import { identityKind, profilesOf } from './account-profile.js';
import {
  findDueAccounts,
  readPublishedVersion,
  recordMove,
  settlePublications,
  takeWork,
  type AccountWork,
  type PendingIntent,
} from './account-work.js';

export interface IntentApplierOptions {
  /** Accounts of one transaction. */
  readonly batchAccountsMax: number;
  /** An intent whose event has not come by then is applied again: Redis may have lost it. */
  readonly resendAfterMs: number;
  /**
   * Each time it has not come again the wait is twice as long, up to this: while nobody flushes, all
   * that was ever asked for since would be sent again and again.
   */
  readonly resendAfterMaxMs: number;
}

export interface IntentApplierDependencies {
  readonly transact: Transact;
  readonly engine: EngineFace;
  readonly logger: Logger;
  readonly metrics: ManagementMetrics;
  readonly clock: () => number;
}

export interface ApplyReport {
  /** Accounts that Redis now knows as the record does. */
  readonly accounts: number;
  /** Accounts that could not be brought over; they are tried again. */
  readonly failed: number;
}

export interface IntentApplier {
  /** Applies everything that is due. @throws the driver's error when Postgres is away. */
  runOnce(progress?: ApplyProgress): Promise<ApplyReport>;
}

export interface ApplyProgress {
  /** Called with what was done so far. */
  readonly onProgress?: (report: ApplyReport) => void;
  /** What comes later, where a look now would be one of too many. */
  readonly isPatient?: boolean;
}

/** The last number sent to an account, and when, and for how long its event is awaited. */
interface Sent {
  readonly number: number;
  readonly at: number;
  readonly awaitedMs: number;
}

/**
 * Between two patient looks for intents, for each account whose event is awaited. A look takes Postgres
 * some 10 µs for each of them: twice a second, with 8,000 that nobody flushed, was a sixth of a core.
 */
const AWAITED_LOOK_MS = 1;

/** Accounts that are looked for at a time: looking costs as much however few are taken. */
const DUE_ACCOUNTS_MAX = 10_000;

/** Redis lacks intents that the record has as applied: it is behind, and recovery has to act. */
export class IntentGapError extends Error {
  readonly code = 'TOLLD_INTENT_GAP';

  constructor(accountId: string, number: number, lastApplied: number) {
    super(
      `account ${accountId}: intent ${number} is next, but Redis has applied ${lastApplied} only ` +
        'and those between are settled: Redis is behind the record; run `tolld reconcile`',
    );
    this.name = 'IntentGapError';
  }
}

export function createIntentApplier(
  options: IntentApplierOptions,
  dependencies: IntentApplierDependencies,
): IntentApplier {
  const { transact, engine, logger, metrics, clock } = dependencies;
  /** Intents that are on their way, by account: the last number sent, and when. */
  const sent = new Map<string, Sent>();
  let lookedAt = 0;

  /** Whether a look for intents that are due may come now: see {@link AWAITED_LOOK_MS}. */
  function looksForIntents(): boolean {
    const now = clock();
    if (now - lookedAt < sent.size * AWAITED_LOOK_MS) return false;
    lookedAt = now;
    return true;
  }

  async function runOnce({ onProgress, isPatient }: ApplyProgress = {}): Promise<ApplyReport> {
    const withIntents = looksForIntents() || isPatient !== true;
    const overdue = new Map([...sent].filter(([, each]) => !isAwaited(each)));
    let [accounts, failed, after] = [0, 0, ''];
    for (;;) {
      const awaited = [...sent].flatMap(([accountId, each]) =>
        isAwaited(each) ? [{ accountId, number: each.number }] : [],
      );
      const query = {
        after,
        accountsMax: DUE_ACCOUNTS_MAX,
        intentsBeside: withIntents ? awaited : null,
      };
      const due = await transact((client) => findDueAccounts(client, query));
      for (let at = 0; at < due.length; at += options.batchAccountsMax) {
        const batch = await applyBatch(due.slice(at, at + options.batchAccountsMax));
        accounts += batch.accounts;
        failed += batch.failed;
        onProgress?.({ accounts, failed });
      }
      const last = due.at(-1);
      if (last === undefined || due.length < DUE_ACCOUNTS_MAX) break;
      after = last;
    }
    // What is not sent again by now was confirmed.
    if (withIntents) for (const [id, each] of overdue) if (sent.get(id) === each) sent.delete(id);
    metrics.accountsFailed.inc(failed);
    return { accounts, failed };
  }

  function isAwaited({ at, awaitedMs }: Sent): boolean {
    return clock() - at < awaitedMs;
  }

  function noteSent(accountId: string, number: number): void {
    const before = sent.get(accountId);
    let awaitedMs = options.resendAfterMs;
    if (before?.number === number) {
      const { awaitedMs: last } = before;
      awaitedMs = isAwaited(before) ? last : Math.min(2 * last, options.resendAfterMaxMs);
    }
    sent.set(accountId, { number, at: clock(), awaitedMs });
  }

  function applyBatch(due: readonly string[]): Promise<ApplyReport> {
    return transact(async (client) => {
      await boundIdleTime(client);
      const work = await takeWork(client, due);
      const configVersion = await readPublishedVersion(client);
      const outcomes = await Promise.all(work.map((each) => attempt(client, each, configVersion)));
      const done = work.filter((_, index) => outcomes[index] === true);
      await settlePublications(client, done);
      return { accounts: done.length, failed: work.length - done.length };
    });
  }

  /** Brings one account over; a failure concerns this one only. */
  async function attempt(
    client: pg.PoolClient,
    work: AccountWork,
    configVersion: number,
  ): Promise<boolean> {
    const { id, targetPartition } = work.account;
    const stamp = stampOf(work, configVersion);
    try {
      if (targetPartition === null) await bringOver(work, stamp);
      else {
        const account = await move(work.account, targetPartition, stamp);
        await bringOver({ ...work, account }, stamp);
        await recordMove(client, account);
      }
      return true;
    } catch (error) {
      const level = error instanceof IntentGapError ? 'error' : 'warn';
      logger[level]({ err: error, account: id }, 'account not brought to redis; it is tried again');
      return false;
    }
  }

  /**
   * Takes the account to the partition that it is to be in: with its owner, before a profile lets it
   * draw on him. What a crash cuts off is found by the row, which still names both places.
   */
  async function move(
    account: AccountWork['account'],
    to: number,
    stamp: EventStamp,
  ): Promise<AccountWork['account']> {
    const { id: accountId, partition: from, standing, profileVersion } = account;
    try {
      await engine.moveAccount({ accountId, from, to, stamp });
    } catch (error) {
      if (!(error instanceof AccountMissingError)) throw error;
      // It has not been to Redis yet.
      await engine.provisionAccount({
        partition: from,
        accountId,
        stamp,
        standing,
        profileVersion,
      });
      await engine.moveAccount({ accountId, from, to, stamp });
    }
    logger.info({ account: accountId, from, to }, 'account moved to another partition');
    return { ...account, partition: to, targetPartition: null };
  }

  async function bringOver(work: AccountWork, stamp: EventStamp): Promise<void> {
    const { account, intents, publication } = work;
    const header = { partition: account.partition, accountId: account.id, stamp };
    const { standing, profileVersion } = account;
    // An account has its money before anybody finds it.
    for (const intent of intents) await applyIntent(work, intent, stamp);
    const last = intents.at(-1);
    if (last !== undefined) noteSent(account.id, last.number);
    if (publication === null) return;
    // At the same moment, as far as may be: between the two a request finds a stale profile.
    const steps = await Promise.allSettled([
      ...publishProfiles(work),
      engine.provisionAccount({ ...header, standing, profileVersion }),
    ]);
    // Only now: a step that still runs when the account's lock is given back could come too late.
    const failed = steps.find((step) => step.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    metrics.accountsPublished.inc();
  }

  function publishProfiles(work: AccountWork): Promise<void>[] {
    const { account, publication } = work;
    const published = profilesOf(account, publication?.identities ?? []).map(
      ({ networkScope, identity, profile }) =>
        engine.publishProfile(networkScope, identity, profile),
    );
    const removed = (publication?.released ?? []).flatMap(({ networkScope, kind, value }) => {
      const known = identityKind(kind);
      return known === null ? [] : [engine.removeProfile(networkScope, { kind: known, value })];
    });
    return [...removed, ...published];
  }

  async function applyIntent(
    { account }: AccountWork,
    { id, number, kind, body }: PendingIntent,
    stamp: EventStamp,
  ): Promise<void> {
    const { partition, id: accountId, standing, profileVersion } = account;
    const credit = {
      partition,
      accountId,
      intentNumber: number,
      intentId: id,
      kind,
      reason: body.reason,
      operations: body.operations,
      stamp,
    };
    let outcome = await engine.creditAccount(credit);
    if (outcome.kind === 'unknown-account') {
      await engine.provisionAccount({ partition, accountId, stamp, standing, profileVersion });
      outcome = await engine.creditAccount(credit);
    }
    metrics.intents.inc({ outcome: outcome.kind });
    switch (outcome.kind) {
      case 'applied':
      case 'repeated':
        return;
      case 'refused':
        // Settled as refused by its event; whoever asked finds the reason there.
        logger.warn({ account: accountId, intent: id, reason: outcome.reason }, 'intent refused');
        return;
      case 'out-of-order':
        throw new IntentGapError(accountId, number, outcome.lastApplied);
      case 'unknown-account':
        throw new Error(`account ${accountId} is unknown right after it was provisioned`);
    }
  }

  return { runOnce };
}

function stampOf({ account }: AccountWork, configVersion: number): EventStamp {
  return {
    tenant: account.tenant,
    customer: account.customer,
    subscription: null,
    protocol: 'management',
    peer: null,
    serviceContext: null,
    personal: {},
    network: {},
    eventTimestamp: null,
    configVersion,
  };
}
