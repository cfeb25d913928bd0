/**
 * The whole conservation proof: every credit, debit, expiry and reservation, in Postgres, in Redis
 * and between the two. Safe beside traffic: an account and its sessions are read in one moment, and
 * its buckets compared with the facts up to the event at which it stood then, those that are still in
 * the outbox included.
 */
import type pg from 'pg';
import type { Engine } from '../charging/engine.js';
import {
  holdersOfSessions,
  readTimers,
  takeInventory,
  watchedSessions,
  type PartitionInventory,
} from '../charging/inventory.js';
import { readAccount } from '../charging/snapshot.js';
import { readFence } from '../charging/partition-fence.js';
import type { OutboxStreams } from '../charging/stream.js';
import { BEFORE_FIRST } from '../domain/flush.js';
import { readRunFaults } from '../records/account-proof.js';
import { readLostTransfers } from '../records/lost-transfers.js';
import {
  listRecordedAccounts,
  readFactsAhead,
  readIntentFaults,
  readQuarantine,
  readRecordedOffsets,
} from '../records/recorded-state.js';
import {
  readSessionBreaks,
  readSessionContradictions,
  readUsageBreaks,
} from '../records/session-proof.js';
import { checkAccount, checkReservations } from './account-check.js';
import type { AccountEvidence } from './account-evidence.js';
import { finding, type Finding } from './finding.js';
import { checkPools } from './pool-check.js';
import {
  gatherEvidence,
  readInSnapshot,
  readLive,
  SessionIndex,
  type GatheringContext,
} from './gathering.js';
import { checkRestorable } from './restorable-check.js';
import { StreamTail } from './stream-tail.js';
import { checkTimers } from './timer-check.js';

export interface VerifyOptions {
  /** Of the whole key space. */
  readonly partitions: number;
  /** Accounts of one step: what Redis is asked for in one go, and Postgres in one transaction. */
  readonly accountsAtOnce?: number;
  readonly findingsMax?: number;
}

export interface VerifyDependencies {
  readonly engine: Engine;
  readonly streams: OutboxStreams;
  /** With the right to read the facts of every tenant. */
  readonly pool: pg.Pool;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export interface VerifyProgress {
  readonly partition: number;
  readonly partitions: number;
  readonly accounts: number;
  readonly findings: number;
}

export interface VerifyReport {
  readonly balanced: boolean;
  readonly partitions: number;
  readonly accounts: number;
  readonly buckets: number;
  readonly sessions: number;
  /** Events of the accounts, in Postgres and under way. */
  readonly events: number;
  /** Of them, in the outbox only. */
  readonly eventsUnderWay: number;
  readonly findings: readonly Finding[];
  /** There are more than the list holds. */
  readonly truncated: boolean;
}

const ACCOUNTS_AT_ONCE = 200;
const FINDINGS_MAX = 1_000;
const FAULTS_SHOWN = 5;
/** What never stands still for a list and a look is left to the next proof. */
const RESERVATION_LOOKS = 8;
const TIMER_LOOKS = 3;

interface Counts {
  accounts: number;
  buckets: number;
  sessions: number;
  events: number;
  eventsUnderWay: number;
}

/** Runs the proof. @throws while Redis or Postgres can't be had. */
export async function verify(
  options: VerifyOptions,
  dependencies: VerifyDependencies,
): Promise<VerifyReport> {
  const { partitions, findingsMax = FINDINGS_MAX } = options;
  const { engine, pool, onProgress } = dependencies;
  const findings: Finding[] = [
    ...(await checkQuarantine(pool, findingsMax)),
    ...(await checkTransfers(pool, findingsMax)),
  ];
  const counts: Counts = { accounts: 0, buckets: 0, sessions: 0, events: 0, eventsUnderWay: 0 };
  const offsets = await readInSnapshot(pool, readRecordedOffsets);
  const inventory = await takeInventory(engine);
  const others = inventory.partitions.filter((partition) => partition >= partitions);
  findings.push(...(await checkPools(engine, inventory.pools)));
  for (const partition of [...Array(partitions).keys(), ...others]) {
    const tail = new StreamTail(
      { partition, after: offsets.get(partition) ?? BEFORE_FIRST },
      dependencies,
    );
    const context: PartitionContext = {
      ...dependencies,
      partition,
      tail,
      counts,
      chunk: options.accountsAtOnce ?? ACCOUNTS_AT_ONCE,
    };
    findings.push(...(await verifyPartition(context, inventory.of(partition))));
    onProgress?.({ partition, partitions, accounts: counts.accounts, findings: findings.length });
  }
  return {
    balanced: findings.length === 0,
    partitions,
    ...counts,
    findings: findings.slice(0, findingsMax),
    truncated: findings.length > findingsMax,
  };
}

interface PartitionContext extends VerifyDependencies, GatheringContext {
  readonly counts: Counts;
  readonly chunk: number;
}

async function verifyPartition(
  context: PartitionContext,
  inventory: PartitionInventory,
): Promise<readonly Finding[]> {
  const { engine, pool, partition, tail, counts } = context;
  const findings: Finding[] = [...(await checkControl(engine, partition))];
  await tail.extend();
  const recorded = await readInSnapshot(pool, (client) => listRecordedAccounts(client, partition));
  const accountIds = [...new Set([...recorded, ...inventory.accountIds])].sort();
  const sessions = await SessionIndex.read(engine, partition, inventory.sessionIds);
  const seen = new Set<string>();
  const doubtful: string[] = [];
  const late: string[] = [];
  for (let from = 0; from < accountIds.length; from += context.chunk) {
    const chunk = accountIds.slice(from, from + context.chunk);
    // First: a timer is moved on with what it watches, and read later would be beyond it.
    const timers = await timersOf(context, chunk, sessions);
    const gathered = await gatherEvidence(context, chunk, sessions);
    findings.push(...(await checkRestorable(pool, gathered)));
    for (const evidence of gathered) {
      findings.push(...(await withNumbers(pool, checkAccount(evidence))));
      count(counts, evidence);
      const { live, accountId } = evidence;
      if (live === null) continue;
      seen.add(accountId);
      doubtful.push(accountId);
      if (checkTimers(live, timers, partition).length > 0) late.push(accountId);
    }
    findings.push(...(await checkFacts(pool, partition, chunk)));
    findings.push(...(await checkManaged(context, gathered, sessions)));
  }
  findings.push(...checkAside(partition, inventory), ...checkUnreadable(partition, sessions));
  findings.push(...(await checkHeld(context, doubtful, sessions)));
  findings.push(...(await checkLate(context, late, sessions)));
  findings.push(...(await checkOrphans(context, sessions, seen)));
  findings.push(
    ...tail.faults.map(({ kind, after, found, reason }) =>
      finding(kind, { partition }, `entry ${found} behind ${after}${reason ? `: ${reason}` : ''}`),
    ),
  );
  return findings;
}

function count(counts: Counts, { live, record, tail }: AccountEvidence): void {
  counts.accounts += 1;
  counts.buckets += live?.account.buckets.length ?? 0;
  counts.sessions += live?.sessions.filter(({ state }) => state === 'open').length ?? 0;
  counts.events += (record?.lastSequence ?? 0) + tail.length;
  counts.eventsUnderWay += tail.length;
}

const INTENT_FAULTS = {
  missing: 'is not in Postgres',
  unconfirmed: 'was applied and stands as pending',
  uncounted: 'is beyond what the account counts',
  unmatched: 'is settled, and the ledger has nothing of it, or something else',
} as const;

/** What Postgres says of the accounts by itself: each report whole, each total behind the one before. */
async function checkFacts(
  pool: pg.Pool,
  partition: number,
  accountIds: readonly string[],
): Promise<readonly Finding[]> {
  return readInSnapshot(pool, async (client) => {
    const sessionBreaks = await readSessionBreaks(client, accountIds);
    const usageBreaks = await readUsageBreaks(client, accountIds);
    const intents = await readIntentFaults(client, accountIds);
    const ahead = await readFactsAhead(client, accountIds);
    const contradictions = await readSessionContradictions(client, accountIds);
    return [
      ...contradictions.map(({ accountId, sessionId, byEvents, listed }) =>
        finding(
          'session-record',
          { partition, accountId, sessionId },
          `${byEvents ?? 'unknown'} by its events, ${listed ?? 'not there'} in the list of sessions`,
        ),
      ),
      ...ahead.map((each) =>
        finding(
          'offset-behind',
          each,
          'the record has events of entries that it says it has not come to',
        ),
      ),
      ...sessionBreaks.map((each) => {
        const { accountId, sessionId, service, sequence } = each;
        const { used, usedBefore, usedAfter, cost, costBefore, costAfter } = each;
        return finding(
          'session-total',
          { partition, accountId, sessionId },
          `service ${service} at event ${sequence}: used ${usedBefore} + ${used} became ` +
            `${usedAfter}, cost ${costBefore} + ${cost} became ${costAfter}`,
          { sequence, used, usedBefore, usedAfter, cost, costBefore, costAfter },
        );
      }),
      ...usageBreaks.map((each) => {
        const { accountId, sessionId, service, sequence, collected, paid, cost, taken } = each;
        const isCost = cost !== taken;
        return finding(
          isCost ? 'usage-cost' : 'usage-units',
          { partition, accountId, sessionId },
          isCost
            ? `service ${service} at event ${sequence} cost ${cost}, its buckets gave ${taken}`
            : `service ${service} at event ${sequence}: ${collected} units were collected, ` +
                `its buckets paid for ${paid}`,
          { sequence, collected, paid, cost, taken },
        );
      }),
      ...intents.map(({ accountId, kind, number }) =>
        finding(
          `intent-${kind}`,
          { partition, accountId },
          `intent ${number} ${INTENT_FAULTS[kind]}`,
          { number },
        ),
      ),
    ];
  });
}

/** Says of a broken run which events it lacks or has twice. */
async function withNumbers(
  pool: pg.Pool,
  findings: readonly Finding[],
): Promise<readonly Finding[]> {
  return Promise.all(
    findings.map(async (found) => {
      const { kind, accountId, message } = found;
      if (accountId === null || (kind !== 'run-gap' && kind !== 'run-double')) return found;
      const faults = await readInSnapshot(pool, (client) =>
        readRunFaults(client, accountId, FAULTS_SHOWN),
      );
      const numbers = faults.map(({ kind: fault, from, to }) =>
        fault === 'double' ? `${from} twice` : from === to ? `${from}` : `${from} to ${to}`,
      );
      return { ...found, message: `${message}: ${numbers.join(', ')}` };
    }),
  );
}

/**
 * What sessions hold against what buckets say. A session that came since the list was made holds
 * something, too: what differs is sure where the account stood still from before the list to the look.
 */
async function checkHeld(
  context: PartitionContext,
  accountIds: readonly string[],
  sessions: SessionIndex,
): Promise<readonly Finding[]> {
  const { engine, partition } = context;
  const findings: Finding[] = [];
  let doubtful: readonly (readonly [accountId: string, stood: string | null])[] = accountIds.map(
    (accountId) => [accountId, null],
  );
  for (let look = 0; look < RESERVATION_LOOKS && doubtful.length > 0; look += 1) {
    if (look > 0) await sessions.refresh();
    const still: string[] = [];
    for (let from = 0; from < doubtful.length; from += context.chunk) {
      await Promise.all(
        doubtful.slice(from, from + context.chunk).map(async ([accountId, stood]) => {
          const { live } = await readLive(context, accountId, sessions);
          const found = live === null ? [] : checkReservations(live, partition);
          if (live === null || found.length === 0) return;
          if (JSON.stringify(live.account) === stood) findings.push(...found);
          else still.push(accountId);
        }),
      );
    }
    doubtful = await Promise.all(
      still.map(async (accountId) => [
        accountId,
        JSON.stringify(await readAccount(engine, partition, accountId)),
      ]),
    );
  }
  return findings;
}

/** When the accounts and their sessions are looked at, by their timers. */
function timersOf(
  { engine, partition }: PartitionContext,
  accountIds: readonly string[],
  sessions: SessionIndex,
): Promise<ReadonlyMap<string, number | null>> {
  const members = accountIds.flatMap((id) => [
    `a:${id}`,
    ...sessions.of(id).map((sessionId) => `s:${sessionId}`),
  ]);
  return readTimers(engine, partition, members);
}

/**
 * Whether management brings its changes to where the account is. One that moves is there before its
 * place is written down, so one that is still here then was to be found here all the while.
 */
async function checkManaged(
  context: PartitionContext,
  gathered: readonly AccountEvidence[],
  sessions: SessionIndex,
): Promise<readonly Finding[]> {
  const { partition } = context;
  const findings: Finding[] = [];
  for (const { accountId, live, record } of gathered) {
    if (live === null || record === null || record.partition !== partition) continue;
    const { managedIn } = record;
    if (managedIn === null || managedIn === partition) continue;
    if ((await readLive(context, accountId, sessions)).live === null) continue;
    const message = `it stands here, and its changes are brought to partition ${managedIn}`;
    findings.push(finding('account-misplaced', { partition, accountId }, message, { managedIn }));
  }
  return findings;
}

/** Timers that stood wrong, looked at again: an account may have changed between the two reads. */
async function checkLate(
  context: PartitionContext,
  accountIds: readonly string[],
  sessions: SessionIndex,
): Promise<readonly Finding[]> {
  const findings = await Promise.all(
    accountIds.map(async (accountId) => {
      let found: readonly Finding[] = [];
      for (let look = 0; look < TIMER_LOOKS; look += 1) {
        const timers = await timersOf(context, [accountId], sessions);
        const { live } = await readLive(context, accountId, sessions);
        found = live === null ? [] : checkTimers(live, timers, context.partition);
        if (found.length === 0) break;
      }
      return found;
    }),
  );
  return findings.flat();
}

/** What recovery could not read, and brought back from the record. */
function checkAside(partition: number, { asideIds }: PartitionInventory): readonly Finding[] {
  return [...asideIds].map((accountId) =>
    finding(
      'account-set-aside',
      { partition, accountId },
      `recovery could not read what stood in its place, and set it aside`,
    ),
  );
}

function checkUnreadable(partition: number, { unreadable }: SessionIndex): readonly Finding[] {
  return [...unreadable].map((sessionId) =>
    finding('session-unreadable', { partition, sessionId }, 'nobody can tell whose session it is'),
  );
}

async function checkOrphans(
  { engine, partition }: PartitionContext,
  sessions: SessionIndex,
  seen: ReadonlySet<string>,
): Promise<readonly Finding[]> {
  await sessions.refresh();
  const suspects = [...sessions.holders.values()].filter(
    ({ sessionId, accountId }) => sessions.unwatched.has(sessionId) || !seen.has(accountId),
  );
  if (suspects.length === 0) return [];
  const watched = new Set(await watchedSessions(engine, partition));
  const ids = suspects.map(({ sessionId }) => sessionId);
  const findings = await Promise.all(
    (await holdersOfSessions(engine, partition, ids)).map(async ({ sessionId, accountId }) => {
      const place = { partition, accountId, sessionId };
      if (!watched.has(sessionId)) {
        return [finding('session-orphan', place, 'no timer watches the session')];
      }
      const { live, isUnreadable } = await readLive({ engine, partition }, accountId, sessions);
      if (live !== null || isUnreadable) return [];
      return [finding('session-orphan', place, `its account ${accountId} is not there`)];
    }),
  );
  return findings.flat();
}

const CLOSED = {
  closed: () => 'Redis has restarted, or another server took over, and nothing compared it since',
  held: (epoch: number) => `recovery holds the partition in epoch ${epoch}`,
  missing: () => 'Redis holds no word of the partition: it was emptied',
} as const;

async function checkControl(engine: Engine, partition: number): Promise<readonly Finding[]> {
  const { state, epoch } = await readFence(engine, partition);
  if (state === 'open') return [];
  return [finding('partition-closed', { partition }, CLOSED[state](epoch))];
}

async function checkQuarantine(pool: pg.Pool, countMax: number): Promise<readonly Finding[]> {
  const entries = await readInSnapshot(pool, (client) => readQuarantine(client, countMax));
  return entries.map(({ partition, epoch, n, code, message, accounts }) => {
    const [first] = accounts;
    return finding(
      'quarantined',
      { partition, ...(first === undefined ? {} : { accountId: first[0] }) },
      `entry ${epoch}-${n} was refused (${code}: ${message})`,
      { entry: `${epoch}-${n}` },
    );
  });
}

async function checkTransfers(pool: pg.Pool, countMax: number): Promise<readonly Finding[]> {
  const lost = await readInSnapshot(pool, (client) => readLostTransfers(client, countMax));
  return lost.map(({ transferId, accountId, bucketId, amount }) =>
    finding(
      'transfer-lost',
      { accountId, bucketId },
      `transfer ${transferId} took ${amount} and gave it to nobody`,
      { transferId, amount: BigInt(amount) },
    ),
  );
}
