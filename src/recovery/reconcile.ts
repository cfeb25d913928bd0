/** Compares every bucket in Redis with the sum of its facts, beside traffic. */
import { takeInventory } from '../charging/inventory.js';
import { BEFORE_FIRST } from '../domain/flush.js';
import { listRecordedAccounts, readRecordedOffsets } from '../records/recorded-state.js';
import { checkBalances, checkRun } from './account-check.js';
import { factsAtLive, type AccountEvidence } from './account-evidence.js';
import { gatherEvidence, readInSnapshot, SessionIndex } from './gathering.js';
import { StreamTail } from './stream-tail.js';
import type { VerifyDependencies, VerifyOptions } from './verify.js';

export interface Difference {
  readonly partition: number;
  readonly accountId: string;
  readonly bucketId: string;
  readonly resource: string;
  /** In Redis; null where it does not have the bucket. */
  readonly remaining: bigint | null;
  /** What the facts say. */
  readonly expected: bigint;
  /** `remaining - expected`. */
  readonly difference: bigint;
  /** Event of the account at which they were compared. */
  readonly sequence: number;
  /** Why no entry can correct it; null where one can. */
  readonly obstacle: string | null;
}

export interface ReconcileReport {
  readonly accounts: number;
  readonly buckets: number;
  readonly differences: readonly Difference[];
}

const ACCOUNTS_AT_ONCE = 200;

/** Compares all of them. @throws while Redis or Postgres can't be had. */
export async function reconcile(
  { partitions, accountsAtOnce = ACCOUNTS_AT_ONCE }: VerifyOptions,
  dependencies: VerifyDependencies,
): Promise<ReconcileReport> {
  const { engine, pool, streams, onProgress } = dependencies;
  const offsets = await readInSnapshot(pool, readRecordedOffsets);
  const inventory = await takeInventory(engine);
  const differences: Difference[] = [];
  let accounts = 0;
  let buckets = 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    const after = offsets.get(partition) ?? BEFORE_FIRST;
    const tail = new StreamTail({ partition, after }, { streams });
    const recorded = await readInSnapshot(pool, (client) =>
      listRecordedAccounts(client, partition),
    );
    const ids = [...new Set([...recorded, ...inventory.of(partition).accountIds])].sort();
    const sessions = await SessionIndex.read(engine, partition, new Set());
    for (let from = 0; from < ids.length; from += accountsAtOnce) {
      const chunk = ids.slice(from, from + accountsAtOnce);
      for (const evidence of await gatherEvidence(
        { engine, pool, partition, tail },
        chunk,
        sessions,
      )) {
        accounts += 1;
        buckets += evidence.live?.account.buckets.length ?? 0;
        differences.push(...differencesOf(evidence));
      }
    }
    onProgress?.({ partition, partitions, accounts, findings: differences.length });
  }
  return { accounts, buckets, differences };
}

function differencesOf(evidence: AccountEvidence): readonly Difference[] {
  const { accountId, partition, live, sums } = evidence;
  const obstacle = obstacleTo(evidence);
  if (live === null) {
    return sums.flatMap(({ bucketId, resource, atSequence: expected }) =>
      expected === 0n
        ? []
        : [
            {
              partition,
              accountId,
              bucketId,
              resource: resource ?? '',
              remaining: null,
              expected,
              difference: -expected,
              sequence: 0,
              obstacle,
            },
          ],
    );
  }
  const held = new Map(live.account.buckets.map((bucket) => [bucket.bucketId, bucket]));
  const facts = factsAtLive(evidence);
  const names = new Map(sums.map(({ bucketId, resource }) => [bucketId, resource]));
  return checkBalances(evidence).flatMap(({ bucketId }) => {
    if (bucketId === null) return [];
    const bucket = held.get(bucketId);
    const remaining = bucket === undefined ? null : BigInt(bucket.remaining);
    const expected = facts.get(bucketId) ?? 0n;
    return [
      {
        partition,
        accountId,
        bucketId,
        resource: bucket?.resource ?? names.get(bucketId) ?? '',
        remaining,
        expected,
        difference: (remaining ?? 0n) - expected,
        sequence: live.account.sequence,
        obstacle,
      },
    ];
  });
}

/** A correction on top of facts that may come back would count twice. */
function obstacleTo(evidence: AccountEvidence): string | null {
  const { live, isBehind, isUnreadable } = evidence;
  if (isUnreadable) return "what Redis holds of it can't be read: `tolld verify` says what to do";
  if (live === null) return 'Redis does not have the account: run `tolld rebuild`';
  if (isBehind) return 'Redis is behind Postgres: `tolld verify` says what to do';
  if (checkRun(evidence).length > 0) {
    return 'facts are missing or double: restore them first (`tolld verify` names them)';
  }
  return null;
}
