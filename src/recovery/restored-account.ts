/** The state of an account that its record adds up to, as Redis is to have it. */
import type { NewBucket } from '../charging/event-codec.js';
import type { Packable } from '../charging/packing.js';
import type { AccountThreshold } from '../charging/provisioning.js';
import type {
  RestoredAccount,
  RestoredBucket,
  RestoredThreshold,
  ResumedSession,
} from '../charging/restoring.js';
import type { ServiceCarry } from '../charging/session-snapshot.js';
import { toAmount, ZERO } from '../domain/amounts.js';
import type { AccountStanding, BucketState } from '../domain/events.js';
import type { RecordedBucket } from '../records/recorded-state.js';
import type {
  RecordedMark,
  RecordedSession,
  RecordedThresholds,
  RestorableAccount,
} from '../records/restorable.js';
import { liveSessions, resumedNetwork } from './restored-network.js';

export interface RestoreOptions {
  /** Ms since 1970. */
  readonly now: number;
  /** How long an ended session keeps its totals, and an open one may stay silent from now on. */
  readonly sessionRetentionMs: number;
  /** Reports in a row that a session of the network may miss before it is taken for gone. */
  readonly missedReportsMax: number;
}

/** A bucket that ended with nothing is of no use after this long. */
const ENDED_BUCKET_KEPT_MS = 24 * 3_600_000;

/** The account with all that the record has of it, its sessions included. */
export function restoredAccount(
  { record, buckets, counters, thresholdIntents, marks, sessions, caps }: RestorableAccount,
  options: RestoreOptions,
): RestoredAccount {
  const resumed = sessions.map((session) => resumedSession(session, options));
  return {
    partition: record.partition,
    accountId: record.accountId,
    sequence: record.lastSequence,
    lastSeen: record.lastAt,
    standing: (record.standing ?? 'active') as AccountStanding,
    profileVersion: record.profileVersion ?? 0,
    lastIntent: record.lastIntent,
    buckets: buckets.flatMap((bucket) => restoredBucket(bucket, record.balances, options)),
    counters: counters.map(({ key, period, units }) => ({ key, period, units: toAmount(units) })),
    thresholds: restoredThresholds(thresholdIntents, marks),
    sessions: resumed,
    live: liveSessions(record.accountId, resumed, options),
    caps,
    forgottenSessionIds: [],
  };
}

function restoredBucket(
  bucket: RecordedBucket,
  balances: Readonly<Record<string, number>>,
  { now }: RestoreOptions,
): readonly RestoredBucket[] {
  const remaining = toAmount(balances[bucket.bucketId] ?? 0);
  const endedAt = bucket.endsAt?.getTime() ?? Infinity;
  const isOver = bucket.state === 'inactive' && remaining === 0;
  // Without a kind its grant is in quarantine: there are no terms to restore it by.
  if (bucket.kind === null || (isOver && endedAt < now - ENDED_BUCKET_KEPT_MS)) return [];
  const { after = null, ...detail } = bucket.detail ?? {};
  const definition: NewBucket = {
    bucketId: bucket.bucketId,
    resource: bucket.resource,
    kind: bucket.kind as NewBucket['kind'],
    priority: bucket.priority ?? 0,
    state: (bucket.state ?? 'active') as BucketState,
    startsAt: bucket.startsAt?.getTime() ?? null,
    endsAt: bucket.endsAt?.getTime() ?? null,
    createdAt: bucket.createdAt?.getTime() ?? 0,
    floor: bucket.floor === null ? null : toAmount(bucket.floor),
    granted: toAmount(bucket.granted ?? 0),
    step: bucket.step ?? 1,
    blocker: bucket.blocker ?? false,
    bundleId: bucket.bundleId,
    durationMs: bucket.durationMs,
    after: typeof after === 'string' ? after : null,
    detail,
  };
  return [{ definition, remaining }];
}

/**
 * The thresholds last set. One that was set before, too, is armed or not as its last crossing left it;
 * one that was new then begins armed.
 */
function restoredThresholds(
  intents: readonly RecordedThresholds[],
  marks: readonly RecordedMark[],
): readonly RestoredThreshold[] {
  /** Since when each threshold is there without a break. */
  let since = new Map<string, number>();
  let wanted: readonly AccountThreshold[] = [];
  for (const { sequence, operations } of intents) {
    for (const operation of operations) {
      if (operation['operation'] !== 'set-thresholds') continue;
      wanted = operation['thresholds'] as readonly AccountThreshold[];
      since = new Map(wanted.map(({ id }) => [id, since.get(id) ?? sequence]));
    }
  }
  return wanted.map((threshold) => {
    const mark = marks.find(
      ({ thresholdId, sequence }) =>
        thresholdId === threshold.id && sequence > (since.get(threshold.id) ?? 0),
    );
    return { threshold, armed: mark?.direction !== 'crossed' };
  });
}

function resumedSession(
  session: RecordedSession,
  { now, sessionRetentionMs }: RestoreOptions,
): ResumedSession {
  const { services, closedAt, openedAt, lastNumber } = session;
  return {
    sessionId: session.sessionId,
    state: session.state,
    openedAt,
    lastNumber: Math.max(lastNumber, ...services.map(({ requestNumber }) => requestNumber)),
    lastSeen: Math.max(openedAt, ...services.map(({ at }) => at)),
    deadline: (closedAt ?? now) + sessionRetentionMs,
    retentionMs: sessionRetentionMs,
    settled: [],
    stamp: {
      tenant: session.tenant,
      customer: session.customer,
      subscription: session.subscription,
      protocol: session.protocol ?? 'radius',
      peer: session.peer,
      serviceContext: session.serviceContext,
      personal: personalOf(session),
      network: session.network ?? {},
      eventTimestamp: null,
      configVersion: Math.max(0, ...services.map(({ configVersion }) => configVersion)),
    },
    services: services.map(({ key, unit, used, cost, carry }) => ({
      key,
      unit,
      used: toAmount(used),
      cost: toAmount(cost),
      carry: serviceCarry(carry),
    })),
    network: session.protocol === 'gy' ? null : resumedNetwork(session),
  };
}

function personalOf(session: RecordedSession): ResumedSession['stamp']['personal'] {
  const { imsi, msisdn, userName, mac, address, calledParty, callingParty } = session;
  return {
    ...(imsi !== null && { imsi }),
    ...(msisdn !== null && { msisdn }),
    ...(userName !== null && { userName }),
    ...(mac !== null && { mac }),
    ...(address !== null && { address }),
    ...(calledParty !== null && { calledParty }),
    ...(callingParty !== null && { callingParty }),
  };
}

/** As usage_event in lua/include/charge_session.lua lays it down. */
export function serviceCarry(carry: unknown): ServiceCarry {
  const [gross, isConnected, totals, steps] = Array.isArray(carry) ? (carry as Packable[]) : [];
  return {
    gross: typeof gross === 'number' ? gross : ZERO,
    isConnected: isConnected === true,
    totals: totals ?? [],
    steps: steps ?? [],
  };
}
