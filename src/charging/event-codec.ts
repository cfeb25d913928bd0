/** Outbox entries as the scripts pack them (ENTRY_ and EVENT_ in lua/include/layout.lua). */
import type { Amount } from '../domain/amounts.js';
import type {
  AccountEvents,
  AccountStanding,
  BucketGrant,
  BucketState,
  BucketStateEvent,
  ChargingEvent,
  EntryId,
  EventStamp,
  Impact,
  LedgerKind,
  OutboxEntry,
  SessionEvent,
  UsageEvent,
} from '../domain/events.js';
import {
  STEERING_KINDS,
  STEERING_OUTCOMES,
  STEERING_REASONS,
  type SteeringKind,
  type SteeringOutcome,
  type SteeringReason,
} from '../domain/steering.js';
import * as layout from './generated/layout.js';
import { pack, PackingError, unpackFirst, type Packable, type Unpacked } from './packing.js';
import { packStamp, unpackStamp } from './stamp-codec.js';
import {
  asAmount,
  asArray,
  asNumber,
  asNumberOrNull,
  asText,
  asTextOrNull,
  asTimeOrNull,
} from './unpacked.js';

const STANDINGS: readonly AccountStanding[] = ['active', 'suspended', 'closed'];
export const BUCKET_STATES: readonly BucketState[] = ['pending', 'armed', 'active', 'inactive'];
const SESSION_CHANGES: readonly SessionEvent['change'][] = ['opened', 'closed', 'expired'];
const ACCOUNT_CHANGES = ['created', 'changed', 'moved-out', 'moved-in'] as const;
const LEDGER_KINDS: readonly LedgerKind[] = [
  'grant',
  'top-up',
  'adjustment',
  'reversal',
  'transfer',
  'expiry',
  'refund',
  'refused',
  'correction',
];
export const STATE_CAUSES: readonly BucketStateEvent['cause'][] = [
  'first-use',
  'expired',
  'exhausted',
  'suspended',
  'succeeded',
  'resumed',
];

const THRESHOLD_DIRECTIONS = ['crossed', 're-armed'] as const;

/** The word a code stands for; codes count from 1 in the order of the words. */
function word<T>(words: readonly T[], code: Unpacked | undefined): T {
  const found = words[asNumber(code) - 1];
  if (found === undefined) throw new PackingError(`code ${String(code)} stands for nothing`);
  return found;
}

function code<T>(words: readonly T[], value: T): number {
  return words.indexOf(value) + 1;
}

/** Code of a ledger kind in a credit request. */
export function ledgerKindCode(kind: LedgerKind): number {
  return code(LEDGER_KINDS, kind);
}

/** Codes of a task of steering. */
export function steeringCodes(
  kind: SteeringKind,
  reason: SteeringReason,
): readonly [number, number] {
  return [code(STEERING_KINDS, kind), code(STEERING_REASONS, reason)];
}

/** Code of what became of an attempt of steering. */
export function steeringOutcomeCode(outcome: SteeringOutcome): number {
  return code(STEERING_OUTCOMES, outcome);
}

/** What a task of steering asks for, and why. @throws PackingError for codes of another version. */
export function steeringOf(
  kind: Unpacked | undefined,
  reason: Unpacked | undefined,
): { readonly kind: SteeringKind; readonly reason: SteeringReason } {
  return { kind: word(STEERING_KINDS, kind), reason: word(STEERING_REASONS, reason) };
}

/** Code of a standing in a provision request. */
export function standingCode(standing: AccountStanding): number {
  return code(STANDINGS, standing);
}

/** Code of a bucket's state in a credit request. */
export function bucketStateCode(state: BucketState): number {
  return code(BUCKET_STATES, state);
}

/** The standing of an account header. @throws PackingError for a code of another version. */
export function standingOf(packed: Unpacked | undefined): AccountStanding {
  return word(STANDINGS, packed);
}

/** Reads an entry id (`<epoch>-<n>`). @throws PackingError for anything else. */
export function parseEntryId(id: string): EntryId {
  const match = /^(\d+)-(\d+)$/.exec(id);
  if (match === null) throw new PackingError(`"${id}" is no entry id`);
  return { epoch: Number(match[1]), n: Number(match[2]) };
}

/**
 * Decodes one entry of a partition's outbox: the packed array, and behind it its stamp where
 * ENTRY_STAMP is true.
 * @throws PackingError when the entry is not one that this version or the one before wrote.
 */
export function decodeEntry(partition: number, id: string, packed: Buffer): OutboxEntry {
  const { value, rest } = unpackFirst(packed);
  const [version, at, stamp, accounts] = asArray(value);
  if (asNumber(version) > layout.SCHEMA_VERSION) {
    throw new PackingError(`entry ${id} has schema ${String(version)}: upgrade this reader first`);
  }
  return {
    partition,
    id: parseEntryId(id),
    at: asNumber(at),
    stamp: stamp === true ? stampBehind(rest, id) : null,
    accounts: asArray(accounts).map(decodeAccount),
  };
}

function stampBehind(bytes: Buffer, id: string): EventStamp {
  try {
    return unpackStamp(bytes);
  } catch (error) {
    throw new PackingError(`entry ${id} has no stamp behind it`, { cause: error });
  }
}

function decodeAccount(packed: Unpacked): AccountEvents {
  const [accountId, firstSequence, events] = asArray(packed);
  return {
    accountId: asText(accountId),
    firstSequence: asNumber(firstSequence),
    events: asArray(events).map(decodeEvent),
  };
}

function decodeEvent(packed: Unpacked): ChargingEvent {
  const fields = asArray(packed);
  switch (fields[0]) {
    case layout.EVENT_USAGE:
      return decodeUsage(fields);
    case layout.EVENT_LEDGER:
      return {
        type: 'ledger',
        kind: word(LEDGER_KINDS, fields[1]),
        intentNumber: asTimeOrNull(fields[2]),
        intentId: asTextOrNull(fields[3]),
        reason: asTextOrNull(fields[4]),
        impacts: asArray(fields[5]).map(decodeImpact),
        grant: fields[6] === false ? null : decodeBucket(fields[6]),
        ...(fields[7] === true && { belowFloor: true }),
      };
    case layout.EVENT_SESSION:
      return {
        type: 'session',
        sessionId: asText(fields[1]),
        change: word(SESSION_CHANGES, fields[2]),
        requestNumber: asNumber(fields[3]),
        cause: asTextOrNull(fields[4]),
        openedAt: asNumber(fields[5]),
      };
    case layout.EVENT_BUCKET_STATE:
      return {
        type: 'bucket-state',
        bucketId: asText(fields[1]),
        bundleId: asTextOrNull(fields[2]),
        from: word(BUCKET_STATES, fields[3]),
        to: word(BUCKET_STATES, fields[4]),
        cause: word(STATE_CAUSES, fields[5]),
        startsAt: asTimeOrNull(fields[6]),
        endsAt: asTimeOrNull(fields[7]),
      };
    case layout.EVENT_SHARED_USAGE:
      return {
        type: 'shared-usage',
        memberAccountId: asText(fields[1]),
        sessionId: asText(fields[2]),
        requestNumber: asNumber(fields[3]),
        service: asText(fields[4]),
        impacts: asArray(fields[5]).map(decodeImpact),
      };
    case layout.EVENT_THRESHOLD:
      return {
        type: 'threshold',
        thresholdId: asText(fields[1]),
        resource: asText(fields[2]),
        direction: word(THRESHOLD_DIRECTIONS, fields[3]),
        level: asAmount(fields[4]),
        value: asAmount(fields[5]),
      };
    case layout.EVENT_STEERING:
      return {
        type: 'steering',
        sessionId: asText(fields[1]),
        kind: word(STEERING_KINDS, fields[2]),
        reason: word(STEERING_REASONS, fields[3]),
        outcome: word(STEERING_OUTCOMES, fields[4]),
        detail: asTextOrNull(fields[5]),
        attempt: asNumber(fields[6]),
        raisedAt: asNumber(fields[7]),
        final: fields[8] === true,
      };
    case layout.EVENT_ACCOUNT:
      return {
        type: 'account',
        change: word(ACCOUNT_CHANGES, fields[1]),
        standing: word(STANDINGS, fields[2]),
        profileVersion: asNumber(fields[3]),
      };
    default:
      throw new PackingError(`event type ${String(fields[0])} is unknown`);
  }
}

/** "<tariff>@<version>#<rule> <zone>" apart; the zone may be empty. */
function parseLabel(label: string | null): { tariffVersion: string | null; zone: string | null } {
  if (label === null) return { tariffVersion: null, zone: null };
  const space = label.indexOf(' ');
  const line = space < 0 ? label : label.slice(0, space);
  const zone = space < 0 ? '' : label.slice(space + 1);
  return { tariffVersion: line, zone: zone === '' ? null : zone };
}

function decodeUsage(fields: readonly Unpacked[]): UsageEvent {
  const { tariffVersion, zone } = parseLabel(asTextOrNull(fields[10]));
  return {
    type: 'usage',
    sessionId: asText(fields[1]),
    requestNumber: asNumber(fields[2]),
    service: asText(fields[3]),
    ratingGroup: asNumberOrNull(fields[4]),
    unit: asText(fields[5]),
    used: asAmount(fields[6]),
    uncollected: asAmount(fields[7]),
    cost: asAmount(fields[8]),
    currency: asTextOrNull(fields[9]),
    tariffVersion,
    zone,
    reason: asTextOrNull(fields[11]) as UsageEvent['reason'],
    impacts: asArray(fields[12]).map(decodeImpact),
    serviceAfter: {
      used: asAmount(fields[13]),
      cost: asAmount(fields[14]),
      carry: fields[15] ?? null,
    },
  };
}

function decodeImpact(packed: Unpacked): Impact {
  const [bucketId, resource, delta, after, units] = asArray(packed);
  return {
    bucketId: asText(bucketId),
    resource: asText(resource),
    delta: asAmount(delta),
    after: asAmount(after),
    units: asAmount(units),
  };
}

/** A bucket as the engine keeps it: the grant's definition, and what is in it now. */
export interface DecodedBucket extends BucketGrant {
  readonly remaining: BucketGrant['granted'];
  readonly reserved: BucketGrant['granted'];
  /** How long it lasts from its first use, in ms; null where its validity is fixed. */
  readonly durationMs: number | null;
  /** The bundle or bucket that must be spent before this one starts. */
  readonly after: string | null;
}

const SCOPE_SETS = ['contexts', 'ratingGroups', 'zones', 'bands'] as const;

/** Reads a bucket in the order of BUCKET_ in layout.lua. */
export function decodeBucket(packed: Unpacked | undefined): DecodedBucket {
  const fields = [null, ...asArray(packed)];
  const floor = asNumber(fields[layout.BUCKET_FLOOR]);
  const scope = fields[layout.BUCKET_SCOPE];
  return {
    bucketId: asText(fields[layout.BUCKET_ID]),
    resource: asText(fields[layout.BUCKET_RESOURCE]),
    kind: fields[layout.BUCKET_KIND] === layout.KIND_MONEY ? 'money' : 'units',
    priority: asNumber(fields[layout.BUCKET_PRIORITY]),
    state: word(BUCKET_STATES, fields[layout.BUCKET_STATE]),
    startsAt: asTimeOrNull(fields[layout.BUCKET_START]),
    endsAt: asTimeOrNull(fields[layout.BUCKET_END]),
    createdAt: asNumber(fields[layout.BUCKET_CREATED]),
    floor: floor === layout.NO_FLOOR ? null : asAmount(floor),
    granted: asAmount(fields[layout.BUCKET_GRANTED]),
    remaining: asAmount(fields[layout.BUCKET_REMAINING]),
    reserved: asAmount(fields[layout.BUCKET_RESERVED]),
    step: asNumber(fields[layout.BUCKET_STEP]),
    blocker: fields[layout.BUCKET_BLOCKER] === true,
    bundleId: asTextOrNull(fields[layout.BUCKET_BUNDLE]),
    durationMs: asTimeOrNull(fields[layout.BUCKET_DURATION]),
    after: asTextOrNull(fields[layout.BUCKET_AFTER]),
    detail: {
      ...(Array.isArray(scope) && {
        scope: Object.fromEntries(SCOPE_SETS.map((name, index) => [name, scope[index] || null])),
      }),
      ...(fields[layout.BUCKET_SUSPENDED] === true && { suspended: true }),
    },
  };
}

/** Packs an entry as the scripts do, its stamp behind it, for tests of what reads them. */
export function encodeEntry(entry: OutboxEntry): Buffer {
  const packed = pack([
    layout.SCHEMA_VERSION,
    entry.at,
    entry.stamp !== null,
    entry.accounts.map(({ accountId, firstSequence, events }) => [
      accountId,
      firstSequence,
      events.map(encodeEvent),
    ]),
  ]);
  if (entry.stamp === null) return packed;
  return Buffer.concat([packed, packStamp(entry.stamp)]);
}

function encodeEvent(event: ChargingEvent): Packable {
  switch (event.type) {
    case 'usage':
      return [
        layout.EVENT_USAGE,
        event.sessionId,
        event.requestNumber,
        event.service,
        event.ratingGroup ?? false,
        event.unit,
        event.used,
        event.uncollected,
        event.cost,
        event.currency ?? false,
        event.tariffVersion === null ? false : `${event.tariffVersion} ${event.zone ?? ''}`,
        event.reason ?? false,
        event.impacts.map(encodeImpact),
        event.serviceAfter.used,
        event.serviceAfter.cost,
        event.serviceAfter.carry as Packable,
      ];
    case 'ledger':
      return [
        layout.EVENT_LEDGER,
        code(LEDGER_KINDS, event.kind),
        event.intentNumber ?? 0,
        event.intentId ?? false,
        event.reason ?? false,
        event.impacts.map(encodeImpact),
        event.grant === null ? false : encodeBucket(event.grant),
        ...(event.belowFloor === true ? [true] : []),
      ];
    case 'session':
      return [
        layout.EVENT_SESSION,
        event.sessionId,
        code(SESSION_CHANGES, event.change),
        event.requestNumber,
        event.cause ?? false,
        event.openedAt,
      ];
    case 'bucket-state':
      return [
        layout.EVENT_BUCKET_STATE,
        event.bucketId,
        event.bundleId ?? false,
        code(BUCKET_STATES, event.from),
        code(BUCKET_STATES, event.to),
        code(STATE_CAUSES, event.cause),
        event.startsAt ?? 0,
        event.endsAt ?? 0,
      ];
    case 'account':
      return [
        layout.EVENT_ACCOUNT,
        code(ACCOUNT_CHANGES, event.change),
        code(STANDINGS, event.standing),
        event.profileVersion,
      ];
    case 'shared-usage':
      return [
        layout.EVENT_SHARED_USAGE,
        event.memberAccountId,
        event.sessionId,
        event.requestNumber,
        event.service,
        event.impacts.map(encodeImpact),
      ];
    case 'steering':
      return [
        layout.EVENT_STEERING,
        event.sessionId,
        code(STEERING_KINDS, event.kind),
        code(STEERING_REASONS, event.reason),
        code(STEERING_OUTCOMES, event.outcome),
        event.detail ?? false,
        event.attempt,
        event.raisedAt,
        event.final,
      ];
    case 'threshold':
      return [
        layout.EVENT_THRESHOLD,
        event.thresholdId,
        event.resource,
        code(THRESHOLD_DIRECTIONS, event.direction),
        event.level,
        event.value,
      ];
  }
}

function encodeImpact(impact: Impact): Packable {
  return [impact.bucketId, impact.resource, impact.delta, impact.after, impact.units];
}

/** What a bucket holds when it is granted; a scope where it has one. */
export interface NewBucket extends BucketGrant {
  readonly durationMs?: number | null;
  readonly after?: string | null;
}

/**
 * Packs a bucket, in the order of BUCKET_ in layout.lua: one that is about to be granted, or one that
 * held something already.
 */
export function encodeBucket(bucket: NewBucket, remaining: Amount = bucket.granted): Packable {
  const scope = bucket.detail['scope'] as Record<string, Packable> | undefined;
  return [
    bucket.bucketId,
    bucket.resource,
    bucket.kind === 'money' ? layout.KIND_MONEY : layout.KIND_UNITS,
    bucket.priority,
    code(BUCKET_STATES, bucket.state),
    bucket.startsAt ?? 0,
    bucket.endsAt ?? 0,
    bucket.createdAt,
    remaining,
    0,
    bucket.floor ?? layout.NO_FLOOR,
    bucket.step,
    bucket.blocker,
    scope === undefined ? false : SCOPE_SETS.map((name) => scope[name] ?? false),
    bucket.bundleId ?? false,
    bucket.durationMs ?? 0,
    bucket.granted,
    bucket.after ?? false,
    ...(bucket.detail['suspended'] === true ? [true] : []),
  ];
}
