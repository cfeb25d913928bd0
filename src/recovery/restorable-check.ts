/**
 * Compares what the next charges go by, beside balances, with what a rebuild would bring back: period
 * counters, thresholds, the rounding totals of sessions, what their NAS had said, fair use.
 */
import type pg from 'pg';
import type { Unpacked } from '../charging/packing.js';
import * as layout from '../charging/generated/layout.js';
import type { RestoredAccount } from '../charging/restoring.js';
import type { AccountWithSessions } from '../charging/snapshot.js';
import { readRestorable, type RestorableAccount } from '../records/restorable.js';
import type { AccountEvidence } from './account-evidence.js';
import { finding, type Finding } from './finding.js';
import { readInSnapshot } from './gathering.js';
import { restoredAccount } from './restored-account.js';

/** Nothing that depends on these is compared. */
const OPTIONS = { now: 0, sessionRetentionMs: 0, missedReportsMax: 1 } as const;
/** No session ends later: those that are open are compared. */
const NEVER = new Date(8.64e15);

type Settled = AccountEvidence & { readonly live: AccountWithSessions };

/** Of accounts that stand in Redis where they stand in the record. */
export async function checkRestorable(
  pool: pg.Pool,
  evidence: readonly AccountEvidence[],
): Promise<readonly Finding[]> {
  const settled = evidence.filter((each): each is Settled => isSettled(each));
  if (settled.length === 0) return [];
  const ids = settled.map(({ accountId }) => accountId);
  const found = await readInSnapshot(pool, (client) =>
    readRestorable(client, ids, { endedSince: NEVER, sessions: 'all' }),
  );
  const byId = new Map(found.map((each) => [each.record.accountId, each]));
  return settled.flatMap((each) => {
    const recorded = byId.get(each.accountId);
    // It has gone on meanwhile.
    if (recorded?.record.lastSequence !== each.live.account.sequence) return [];
    const restored = restoredAccount(recorded, OPTIONS);
    return [
      ...checkCounters(each, restored),
      ...checkThresholds(each, restored, recorded),
      ...checkBases(each, restored),
    ];
  });
}

/** What is archived or in quarantine, nothing is brought back by. */
function isSettled({ live, record, run }: AccountEvidence): boolean {
  if (live === null || record === null || run === null) return false;
  if (live.account.sequence !== record.lastSequence) return false;
  return run.quarantined === 0 && run.archived === 0;
}

function checkCounters(
  { accountId, partition, live }: Settled,
  { counters }: RestoredAccount,
): readonly Finding[] {
  const counted = new Map(live.account.counters.map((each) => [each.key, each]));
  const recorded = new Map(counters.map((each) => [each.key, each]));
  return [...new Set([...counted.keys(), ...recorded.keys()])].flatMap((key) => {
    const [inRedis, last] = [counted.get(key), recorded.get(key)];
    if (inRedis?.period === last?.period && inRedis?.units === last?.units) return [];
    const message =
      `counter ${key} stands at ${inRedis?.units ?? 'nothing'} since ${inRedis?.period ?? 'never'}, ` +
      `its events say ${last?.units ?? 'nothing'} since ${last?.period ?? 'never'}`;
    return [finding('counter', { accountId, partition }, message)];
  });
}

function checkThresholds(
  { accountId, partition, live }: Settled,
  { thresholds }: RestoredAccount,
  { thresholdIntents }: RestorableAccount,
): readonly Finding[] {
  if (thresholdIntents.length === 0) return [];
  const text = (id: string, what: readonly unknown[]): readonly [string, string] => [
    id,
    JSON.stringify(what),
  ];
  const inRedis = new Map(
    live.account.thresholds.map(({ id, resource, bundleId, isPercent, level, armed }) =>
      text(id, [resource, bundleId, isPercent, level, armed]),
    ),
  );
  const recorded = new Map(
    thresholds.map(({ threshold: { id, resource, bundleId, level }, armed }) => {
      const isPercent = 'percent' in level;
      const value = isPercent ? level.percent : level.amount;
      return text(id, [resource, bundleId, isPercent, value, armed]);
    }),
  );
  return [...new Set([...inRedis.keys(), ...recorded.keys()])].flatMap((id) => {
    const [is, was] = [inRedis.get(id) ?? 'not there', recorded.get(id) ?? 'not there'];
    if (is === was) return [];
    const message = `threshold ${id} is ${is} in Redis and ${was} by the record`;
    return [finding('threshold', { accountId, partition }, message)];
  });
}

/** What sessions go on by. One without an event of the service has nothing to be compared with. */
function checkBases(
  { accountId, partition, live }: Settled,
  { sessions }: RestoredAccount,
): readonly Finding[] {
  const recorded = new Map(sessions.map((session) => [session.sessionId, session]));
  const numbers = new Map(
    live.sessions.map(({ sessionId, lastRequestNumber }) => [sessionId, lastRequestNumber]),
  );
  return live.bases.flatMap((basis) => {
    const { sessionId } = basis;
    const last = recorded.get(sessionId);
    if (last === undefined) return [];
    const odd = last.services.flatMap(({ key, carry }) => {
      const inRedis = basis.carries.get(key);
      return inRedis === undefined || sameJson(inRedis, carry)
        ? []
        : [`the totals of service ${key}`];
    });
    if ((numbers.get(sessionId) ?? 0) < last.lastNumber) odd.push('the number of its last request');
    if (fellBack(basis.track, last.network?.track ?? null)) odd.push('what its NAS had counted');
    if (odd.length === 0) return [];
    const message = `${odd.join(' and ')} are not as its last event left them`;
    return [finding('session-carry', { accountId, partition, sessionId }, message)];
  });
}

function sameJson(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

const SUMS = [layout.TRACK_UPLOAD_SUM, layout.TRACK_DOWNLOAD_SUM] as const;

/** Whether a NAS is thought to have counted less than was charged of it: the rest would be charged again. */
function fellBack(track: readonly Unpacked[] | null, charged: readonly unknown[] | null): boolean {
  if (track === null || charged === null) return false;
  return SUMS.some((place) => Number(track[place - 1]) < Number(charged[place - 1]));
}
