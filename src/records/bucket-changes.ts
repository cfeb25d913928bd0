/** What a batch of events says of buckets besides what they hold: grants, new terms, new states. */
import type {
  AccountEvents,
  BucketGrant,
  BucketStateEvent,
  LedgerEvent,
} from '../domain/events.js';
import { instantText, instantTextOrNull } from './copy-text.js';
import type { EventContext } from './event-context.js';
import type { Statement } from './statement-series.js';

interface BucketChange {
  readonly accountId: string;
  readonly bucketId: string;
  readonly tenant: string;
  /** The bucket as of the last event that carried it whole. */
  definition: BucketGrant | null;
  /** State and validity after that. */
  state: Pick<BucketStateEvent, 'to' | 'startsAt' | 'endsAt'> | null;
  /** Added to what was granted, after that. */
  granted: number;
}

export type BucketChanges = Map<string, BucketChange>;

function changeOf(changes: BucketChanges, bucketId: string, context: EventContext): BucketChange {
  const { accountId, tenant } = context;
  // A line feed is in no id: the pair is unambiguous.
  const key = `${accountId}\n${bucketId}`;
  let change = changes.get(key);
  if (change === undefined) {
    change = { accountId, bucketId, tenant, definition: null, state: null, granted: 0 };
    changes.set(key, change);
  }
  return change;
}

/**
 * Adds the events of one account in one call, in their order; `context` is of its first. A definition
 * in an event is the bucket as that event left it: what came before is in it, what comes behind is not.
 */
export function addBucketChanges(
  changes: BucketChanges,
  { events }: AccountEvents,
  context: EventContext,
): void {
  for (const event of events) {
    if (event.type === 'bucket-state') {
      changeOf(changes, event.bucketId, context).state = event;
    } else if (event.type === 'ledger') {
      if (event.grant !== null) {
        const change = changeOf(changes, event.grant.bucketId, context);
        change.definition = event.grant;
        change.state = null;
        change.granted = 0;
      } else if (!RETURNS.has(event.kind)) {
        for (const { bucketId, delta } of event.impacts) {
          if (delta > 0) changeOf(changes, bucketId, context).granted += delta;
        }
      }
    }
  }
}

/** Credits that give back what was there: a percentage of what was granted counts without them. */
const RETURNS: ReadonlySet<LedgerEvent['kind']> = new Set(['refund', 'correction']);

export function bucketStatements(changes: BucketChanges): readonly Statement[] {
  if (changes.size === 0) return [];
  const all = [...changes.values()];
  const defined = all.filter(({ definition }) => definition !== null);
  const others = all.filter(({ definition }) => definition === null);
  const moved = others.filter(({ state }) => state !== null);
  const raised = others.filter(({ granted }) => granted > 0);
  return [
    ...(defined.length > 0 ? [definitionsOf(defined)] : []),
    ...(moved.length > 0 ? [statesOf(moved)] : []),
    ...(raised.length > 0 ? [grantedOf(raised)] : []),
  ];
}

function definitionsOf(changes: readonly BucketChange[]): Statement {
  const rows = changes.map(({ accountId, bucketId, tenant, definition, state, granted }) => {
    const grant = definition as BucketGrant;
    return {
      account_id: accountId,
      bucket_id: bucketId,
      tenant,
      resource: grant.resource,
      kind: grant.kind,
      priority: grant.priority,
      state: state?.to ?? grant.state,
      starts_at: instantTextOrNull(state === null ? grant.startsAt : state.startsAt),
      ends_at: instantTextOrNull(state === null ? grant.endsAt : state.endsAt),
      duration_ms: grant.durationMs ?? null,
      created_at: instantText(grant.createdAt),
      floor: grant.floor,
      granted: grant.granted + granted,
      step: grant.step,
      blocker: grant.blocker,
      bundle_id: grant.bundleId,
      detail: grant.after ? { ...grant.detail, after: grant.after } : grant.detail,
    };
  });
  return {
    name: 'bucket definitions',
    text: `
      INSERT INTO tolld.buckets (account_id, bucket_id, tenant, resource, kind, priority, state,
        starts_at, ends_at, duration_ms, created_at, floor, granted, step, blocker, bundle_id, detail)
      SELECT * FROM jsonb_to_recordset($1) AS v (account_id text, bucket_id text, tenant text,
        resource text, kind text, priority int, state text, starts_at timestamptz,
        ends_at timestamptz, duration_ms bigint, created_at timestamptz, floor bigint,
        granted bigint, step bigint, blocker boolean, bundle_id text, detail jsonb)
      ON CONFLICT (account_id, bucket_id) DO UPDATE SET
        resource = excluded.resource, kind = excluded.kind, priority = excluded.priority,
        state = excluded.state, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
        duration_ms = excluded.duration_ms, created_at = excluded.created_at,
        floor = excluded.floor, granted = excluded.granted, step = excluded.step,
        blocker = excluded.blocker, bundle_id = excluded.bundle_id, detail = excluded.detail`,
    values: [JSON.stringify(rows)],
  };
}

function statesOf(changes: readonly BucketChange[]): Statement {
  const rows = changes.map(({ accountId, bucketId, state }) => ({
    account_id: accountId,
    bucket_id: bucketId,
    state: state?.to,
    starts_at: instantTextOrNull(state?.startsAt ?? null),
    ends_at: instantTextOrNull(state?.endsAt ?? null),
  }));
  return {
    name: 'bucket states',
    text: `
      UPDATE tolld.buckets AS b
      SET state = v.state, starts_at = v.starts_at, ends_at = v.ends_at
      FROM jsonb_to_recordset($1) AS v (account_id text, bucket_id text, state text,
        starts_at timestamptz, ends_at timestamptz)
      WHERE b.account_id = v.account_id AND b.bucket_id = v.bucket_id`,
    values: [JSON.stringify(rows)],
  };
}

function grantedOf(changes: readonly BucketChange[]): Statement {
  const rows = changes.map(({ accountId, bucketId, granted }) => ({
    account_id: accountId,
    bucket_id: bucketId,
    granted,
  }));
  return {
    name: 'bucket grants',
    text: `
      UPDATE tolld.buckets AS b SET granted = b.granted + v.granted
      FROM jsonb_to_recordset($1) AS v (account_id text, bucket_id text, granted bigint)
      WHERE b.account_id = v.account_id AND b.bucket_id = v.bucket_id`,
    values: [JSON.stringify(rows)],
  };
}
