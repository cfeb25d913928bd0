/**
 * Compares what an account's next charges go by, beside balances, with what a rebuild would bring back:
 * period counters and thresholds.
 */
import type pg from 'pg';
import type { RestoredAccount } from '../charging/restoring.js';
import type { AccountWithSessions } from '../charging/snapshot.js';
import { readRestorable, type RestorableAccount } from '../records/restorable.js';
import type { AccountEvidence } from './account-evidence.js';
import { finding, type Finding } from './finding.js';
import { readInSnapshot } from './gathering.js';
import { restoredAccount } from './restored-account.js';

/** Nothing that depends on these is compared. */
const OPTIONS = { now: 0, sessionRetentionMs: 0, missedReportsMax: 1 } as const;

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
    readRestorable(client, ids, { endedSince: new Date(0), sessions: 'none' }),
  );
  const byId = new Map(found.map((each) => [each.record.accountId, each]));
  return settled.flatMap((each) => {
    const recorded = byId.get(each.accountId);
    // It has gone on meanwhile.
    if (recorded?.record.lastSequence !== each.live.account.sequence) return [];
    const restored = restoredAccount(recorded, OPTIONS);
    return [...checkCounters(each, restored), ...checkThresholds(each, restored, recorded)];
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
