/** Usage as it was rated and recorded: what an account, a customer or a session was charged for. */
import type pg from 'pg';
import { toAmount, type Amount } from '../domain/amounts.js';
import type { Impact } from '../domain/events.js';

export interface RatedEvent {
  readonly tenant: string;
  readonly accountId: string;
  readonly sequence: number;
  /** `shared-usage`: what a sharing group's owner paid of a member's usage. */
  readonly kind: 'usage' | 'shared-usage';
  /** The engine's clock. */
  readonly chargedAt: Date;
  /** The gateway's clock. */
  readonly eventAt: Date | null;
  readonly customer: string | null;
  readonly subscription: string | null;
  readonly memberAccountId: string | null;
  readonly sessionId: string;
  readonly requestNumber: number;
  readonly service: string;
  readonly ratingGroup: number | null;
  readonly protocol: string | null;
  readonly peer: string | null;
  readonly serviceContext: string | null;
  readonly unit: string | null;
  readonly used: Amount;
  readonly uncollected: Amount;
  readonly cost: Amount;
  readonly currency: string | null;
  readonly tariffVersion: string | null;
  readonly zone: string | null;
  readonly reason: string | null;
  readonly impacts: readonly Impact[];
}

export interface RatedEventQuery {
  /** Of which: at least one of these. */
  readonly accountId?: string;
  readonly customer?: string;
  readonly sessionId?: string;
  readonly msisdn?: string;
  readonly imsi?: string;
  readonly userName?: string;
  readonly since?: Date;
  /** Excluded. */
  readonly until?: Date;
  /** `next` of the page before. */
  readonly after?: string;
  readonly limit: number;
}

export interface RatedEventPage {
  /** The oldest first. */
  readonly events: readonly RatedEvent[];
  /** Where the next page begins; null for the last. New events come behind it. */
  readonly next: string | null;
}

/** A cursor that no page gave out. */
export class CursorError extends Error {
  readonly code = 'TOLLD_CURSOR';
}

interface EventRow {
  readonly tenant: string;
  readonly account_id: string;
  readonly sequence: string;
  readonly kind: RatedEvent['kind'];
  readonly charged_at: Date;
  readonly event_at: Date | null;
  readonly customer_id: string | null;
  readonly subscription_id: string | null;
  readonly member_account_id: string | null;
  readonly session_id: string;
  readonly request_number: string;
  readonly service: string;
  readonly rating_group: string | null;
  readonly protocol: string | null;
  readonly peer: string | null;
  readonly service_context: string | null;
  readonly unit: string | null;
  readonly used: string;
  readonly uncollected: string;
  readonly cost: string;
  readonly currency: string | null;
  readonly tariff_version: string | null;
  readonly zone: string | null;
  readonly reason: string | null;
  readonly impacts: readonly (readonly [string, string, number, number, number])[];
}

const COLUMNS = `tenant, account_id, sequence, kind, charged_at, event_at, customer_id,
  subscription_id, member_account_id, session_id, request_number, service, rating_group, protocol,
  peer, service_context, unit, used, uncollected, cost, currency, tariff_version, zone, reason,
  impacts`;

const FILTERS = {
  accountId: 'account_id',
  customer: 'customer_id',
  sessionId: 'session_id',
  msisdn: 'msisdn',
  imsi: 'imsi',
  userName: 'user_name',
} as const;

/**
 * One page of rated events, in the order of time.
 * @throws CursorError for an `after` that is none of ours.
 */
export async function listRatedEvents(
  database: pg.Pool | pg.ClientBase,
  query: RatedEventQuery,
): Promise<RatedEventPage> {
  const conditions: string[] = [];
  const values: unknown[] = [];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  for (const [name, column] of Object.entries(FILTERS)) {
    const value = query[name as keyof typeof FILTERS];
    if (value !== undefined) conditions.push(`${column} = ${bind(value)}`);
  }
  if (conditions.length === 0) throw new Error('rated events are asked for by account or the like');
  if (query.since !== undefined) conditions.push(`charged_at >= ${bind(query.since)}`);
  if (query.until !== undefined) conditions.push(`charged_at < ${bind(query.until)}`);
  if (query.after !== undefined) {
    const { at, accountId, sequence } = readCursor(query.after);
    conditions.push(
      `(charged_at, account_id, sequence) > (${bind(at)}, ${bind(accountId)}, ${bind(sequence)})`,
    );
  }
  const { rows } = await database.query<EventRow>(
    `SELECT ${COLUMNS} FROM tolld.rated_events WHERE ${conditions.join(' AND ')}
     ORDER BY charged_at, account_id, sequence LIMIT ${bind(query.limit + 1)}`,
    values,
  );
  const events = rows.slice(0, query.limit).map(eventOf);
  const last = events.at(-1);
  return { events, next: rows.length > query.limit && last !== undefined ? cursorOf(last) : null };
}

/** A cursor behind an event, to ask later for what came after it. */
export function cursorOf({ chargedAt, accountId, sequence }: RatedEvent): string {
  return Buffer.from(JSON.stringify([chargedAt.getTime(), accountId, sequence])).toString(
    'base64url',
  );
}

function readCursor(text: string): { at: Date; accountId: string; sequence: number } {
  try {
    const [at, accountId, sequence] = JSON.parse(
      Buffer.from(text, 'base64url').toString(),
    ) as unknown[];
    if (
      typeof at === 'number' &&
      Math.abs(at) <= 8.64e15 &&
      typeof accountId === 'string' &&
      typeof sequence === 'number'
    ) {
      return { at: new Date(at), accountId, sequence };
    }
  } catch {
    // Told below.
  }
  throw new CursorError('the cursor is none that a page gave out; begin without one');
}

function eventOf(row: EventRow): RatedEvent {
  return {
    tenant: row.tenant,
    accountId: row.account_id,
    sequence: Number(row.sequence),
    kind: row.kind,
    chargedAt: row.charged_at,
    eventAt: row.event_at,
    customer: row.customer_id,
    subscription: row.subscription_id,
    memberAccountId: row.member_account_id,
    sessionId: row.session_id,
    requestNumber: Number(row.request_number),
    service: row.service,
    ratingGroup: row.rating_group === null ? null : Number(row.rating_group),
    protocol: row.protocol,
    peer: row.peer,
    serviceContext: row.service_context,
    unit: row.unit,
    used: toAmount(BigInt(row.used)),
    uncollected: toAmount(BigInt(row.uncollected)),
    cost: toAmount(BigInt(row.cost)),
    currency: row.currency,
    tariffVersion: row.tariff_version,
    zone: row.zone,
    reason: row.reason,
    impacts: row.impacts.map(([bucketId, resource, delta, after, units]) => ({
      bucketId,
      resource,
      delta: toAmount(delta),
      after: toAmount(after),
      units: toAmount(units),
    })),
  };
}
