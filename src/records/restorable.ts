/** What the record has of accounts, as far as recovery needs it to bring them back. */
import type pg from 'pg';
import type { AddressPool } from '../domain/access-plan.js';
import type { Protocol } from '../domain/credit-control.js';
import type { EntryId } from '../domain/events.js';
import { readRecordedAccounts, readRecordedBuckets } from './recorded-state.js';
import type { RecordedAccount, RecordedBucket } from './recorded-state.js';

export interface RestorableAccount {
  readonly record: RecordedAccount;
  readonly buckets: readonly RecordedBucket[];
  readonly counters: readonly RecordedCounter[];
  /** Of applied intents, the oldest first: the last that sets thresholds counts. */
  readonly thresholdIntents: readonly RecordedThresholds[];
  /** The last crossing or lifting of each threshold. */
  readonly marks: readonly RecordedMark[];
  readonly sessions: readonly RecordedSession[];
  /** As the last report of one of its sessions left it: flat triples (cap, period, octets). */
  readonly caps: readonly (string | number)[];
}

/** Addresses that are ours to give, and how long a session may have one before it says so. */
export interface RecordedPools {
  readonly pools: readonly AddressPool[];
  /** The longest interval of reports of any plan; null where there is no plan. */
  readonly interimSecondsMax: number | null;
}

export interface RecordedCounter {
  readonly accountId: string;
  readonly key: string;
  readonly period: number;
  readonly units: number;
}

export interface RecordedThresholds {
  readonly accountId: string;
  /** Account sequence of the event that confirmed it. */
  readonly sequence: number;
  readonly operations: readonly Readonly<Record<string, unknown>>[];
}

export interface RecordedMark {
  readonly accountId: string;
  readonly thresholdId: string;
  readonly sequence: number;
  readonly direction: 'crossed' | 're-armed';
}

/** A report of a session that the record has. */
export interface RecordedReport {
  readonly accountId: string;
  readonly sessionId: string;
  readonly sequence: number;
  readonly requestNumber: number;
  readonly at: number;
  readonly service: string;
  readonly sessionCost: number;
  readonly currency: string | null;
  readonly tenant: string;
  readonly protocol: Protocol | null;
}

export interface RecordedSession {
  readonly accountId: string;
  readonly sessionId: string;
  readonly protocol: Protocol | null;
  readonly tenant: string;
  readonly customer: string | null;
  readonly subscription: string | null;
  readonly peer: string | null;
  readonly serviceContext: string | null;
  readonly state: 'open' | 'closed' | 'expired';
  /** Ms since 1970. */
  readonly openedAt: number;
  readonly closedAt: number | null;
  readonly lastNumber: number;
  readonly imsi: string | null;
  readonly msisdn: string | null;
  readonly userName: string | null;
  readonly mac: string | null;
  readonly address: string | null;
  readonly calledParty: string | null;
  readonly callingParty: string | null;
  readonly network: Readonly<Record<string, string>> | null;
  readonly services: readonly RecordedService[];
  /** What its NAS had said when something was charged last (TRACK_); null where nothing was. */
  readonly track: readonly unknown[] | null;
}

export interface RecordedService {
  readonly key: string;
  readonly unit: string;
  readonly used: number;
  readonly cost: number;
  readonly carry: unknown;
  readonly requestNumber: number;
  readonly at: number;
  readonly configVersion: number;
}

export interface RestorableOptions {
  /** Sessions that ended later, by the time of the record, are part of it. */
  readonly endedSince: Date;
  /** Default: those of RADIUS, which go on by their totals. */
  readonly sessions?: 'radius' | 'all' | 'none';
}

/** All of the accounts, with their sessions that are open or ended lately. */
export async function readRestorable(
  client: pg.ClientBase,
  accountIds: readonly string[],
  { endedSince, sessions: wanted = 'radius' }: RestorableOptions,
): Promise<readonly RestorableAccount[]> {
  const records = await readRecordedAccounts(client, accountIds);
  const buckets = await readRecordedBuckets(client, accountIds);
  const counters = await readCounters(client, accountIds);
  const intents = await readThresholdIntents(client, accountIds);
  const marks = await readMarks(client, accountIds);
  const sessions =
    wanted === 'none'
      ? []
      : await readSessions(client, accountIds, { endedSince, sessions: wanted });
  const caps = await readCaps(client, accountIds);
  return [...records.values()].map((record) => {
    const isOwn = ({ accountId }: { readonly accountId: string }): boolean =>
      accountId === record.accountId;
    return {
      record,
      buckets: buckets.filter(isOwn),
      counters: counters.filter(isOwn),
      thresholdIntents: intents.filter(isOwn),
      marks: marks.filter(isOwn),
      sessions: sessions.filter(isOwn),
      caps: caps.find(isOwn)?.caps ?? [],
    };
  });
}

/** The last value of each counter, as the events that moved it carry it. */
async function readCounters(
  client: pg.ClientBase,
  accountIds: readonly string[],
): Promise<readonly RecordedCounter[]> {
  const { rows } = await client.query<RecordedCounter>({
    name: 'restorable counters',
    text: `
      SELECT DISTINCT ON (account_id, carry #>> '{4,0}') account_id AS "accountId",
        carry #>> '{4,0}' AS key, (carry #>> '{4,1}')::float8 AS period,
        (carry #>> '{4,2}')::float8 AS units
      FROM tolld.rated_events
      WHERE account_id = ANY ($1) AND jsonb_typeof(carry -> 4) = 'array'
      ORDER BY account_id, carry #>> '{4,0}', sequence DESC`,
    values: [accountIds],
  });
  return rows;
}

/** What fair use counted at the last report of each account. */
async function readCaps(
  client: pg.ClientBase,
  accountIds: readonly string[],
): Promise<readonly { readonly accountId: string; readonly caps: readonly (string | number)[] }[]> {
  const { rows } = await client.query<{
    accountId: string;
    caps: readonly (string | number)[];
  }>({
    name: 'restorable fair use',
    text: `
      SELECT DISTINCT ON (account_id) account_id AS "accountId", carry -> 6 AS caps
      FROM tolld.rated_events
      WHERE account_id = ANY ($1) AND kind = 'usage' AND jsonb_typeof(carry -> 6) = 'array'
      ORDER BY account_id, sequence DESC`,
    values: [accountIds],
  });
  return rows;
}

/** The address pools in use, of every tenant. */
export async function readAddressPools(client: pg.ClientBase): Promise<RecordedPools> {
  const pools = await client.query<{ definition: AddressPool }>(
    `SELECT definition FROM tolld.address_pools WHERE state = 'active' ORDER BY code`,
  );
  const interim = await client.query<{ seconds: number | null }>(
    `SELECT max((definition #>> '{interim,maxSeconds}')::int) AS seconds FROM tolld.access_plans
     WHERE state = 'active'`,
  );
  return {
    pools: pools.rows.map(({ definition }) => definition),
    interimSecondsMax: interim.rows[0]?.seconds ?? null,
  };
}

async function readThresholdIntents(
  client: pg.ClientBase,
  accountIds: readonly string[],
): Promise<readonly RecordedThresholds[]> {
  const { rows } = await client.query<RecordedThresholds>({
    name: 'restorable thresholds',
    text: `
      SELECT account_id AS "accountId", applied_sequence::float8 AS sequence,
        body -> 'operations' AS operations
      FROM tolld.intents
      WHERE account_id = ANY ($1) AND state = 'applied'
        AND body @> '{"operations": [{"operation": "set-thresholds"}]}'
      ORDER BY account_id, number`,
    values: [accountIds],
  });
  return rows;
}

async function readMarks(
  client: pg.ClientBase,
  accountIds: readonly string[],
): Promise<readonly RecordedMark[]> {
  const { rows } = await client.query<RecordedMark>({
    name: 'restorable marks',
    text: `
      SELECT DISTINCT ON (account_id, subject) account_id AS "accountId",
        subject AS "thresholdId", sequence::float8 AS sequence, change AS direction
      FROM tolld.account_events
      WHERE account_id = ANY ($1) AND kind = 'threshold'
      ORDER BY account_id, subject, sequence DESC`,
    values: [accountIds],
  });
  return rows;
}

async function readSessions(
  client: pg.ClientBase,
  accountIds: readonly string[],
  { endedSince, sessions }: RestorableOptions,
): Promise<readonly RecordedSession[]> {
  const { rows } = await client.query<RecordedSession>({
    name: 'restorable sessions',
    text: `
      SELECT DISTINCT ON (s.session_id) s.account_id AS "accountId", s.session_id AS "sessionId",
        s.protocol, s.tenant, s.customer_id AS customer, s.subscription_id AS subscription, s.peer,
        s.service_context AS "serviceContext", s.state,
        (extract(epoch FROM s.opened_at) * 1000)::bigint::float8 AS "openedAt",
        (extract(epoch FROM s.closed_at) * 1000)::bigint::float8 AS "closedAt",
        s.last_request_number::float8 AS "lastNumber", s.imsi, s.msisdn,
        s.user_name AS "userName", coalesce(l.mac, s.mac) AS mac,
        coalesce(l.address, s.address) AS address, s.called_party AS "calledParty",
        s.calling_party AS "callingParty",
        coalesce(s.network, '{}') || coalesce(l.network, '{}') AS network, l.track,
        coalesce((
          SELECT jsonb_agg(u) FROM (
            SELECT DISTINCT ON (service) service AS key, unit, session_used AS used,
              session_cost AS cost, carry, request_number AS "requestNumber",
              (extract(epoch FROM charged_at) * 1000)::bigint AS at,
              coalesce(config_version, 0) AS "configVersion"
            FROM tolld.rated_events e
            WHERE e.session_id = s.session_id AND e.account_id = s.account_id
              AND e.kind = 'usage' AND e.charged_at >= s.opened_at
            ORDER BY service, sequence DESC) AS u), '[]') AS services
      FROM tolld.sessions s LEFT JOIN LATERAL (
        SELECT e.mac, e.address, e.network, e.carry -> 5 AS track
        FROM tolld.rated_events e
        WHERE e.session_id = s.session_id AND e.account_id = s.account_id
          AND e.kind = 'usage' AND e.charged_at >= s.opened_at
        ORDER BY e.sequence DESC LIMIT 1) AS l ON true
      WHERE s.account_id = ANY ($1) AND (s.protocol = 'radius' OR $3)
        AND (s.closed_at IS NULL OR s.closed_at > $2)
      ORDER BY s.session_id, s.opened_at DESC`,
    values: [accountIds, endedSince, sessions === 'all'],
  });
  return rows;
}

/** An account, and the last of its events that somebody knows of. */
export interface AccountPlace {
  readonly accountId: string;
  readonly sequence: number;
}

/** Reports that were charged behind places of accounts, in the order of their events. */
export async function readReportsBehind(
  client: pg.ClientBase,
  places: readonly AccountPlace[],
): Promise<readonly RecordedReport[]> {
  const { rows } = await client.query<RecordedReport>({
    name: 'restorable reports',
    text: `
      SELECT e.account_id AS "accountId", session_id AS "sessionId", e.sequence::float8 AS sequence,
        request_number::float8 AS "requestNumber",
        (extract(epoch FROM charged_at) * 1000)::bigint::float8 AS at, service,
        coalesce(session_cost, 0)::float8 AS "sessionCost", currency,
        tenant, protocol
      FROM tolld.rated_events e
        JOIN unnest($1::text[], $2::bigint[]) AS p (account_id, sequence)
          ON e.account_id = p.account_id AND e.sequence > p.sequence
      WHERE e.kind = 'usage' ORDER BY e.account_id, e.sequence`,
    values: [places.map(({ accountId }) => accountId), places.map(({ sequence }) => sequence)],
  });
  return rows;
}

/** Accounts of a partition that the record knows, with the number of their last event. */
export async function listRecordedPlaces(
  client: pg.ClientBase,
  partition: number,
): Promise<readonly AccountPlace[]> {
  const { rows } = await client.query<AccountPlace>({
    name: 'restorable places',
    text: `SELECT account_id AS "accountId", last_sequence::float8 AS sequence
           FROM tolld.account_states WHERE partition = $1 ORDER BY 1`,
    values: [partition],
  });
  return rows;
}

/** An account that left a partition, by the record. */
export interface RecordedDeparture {
  readonly accountId: string;
  /** Of the moved-out event. */
  readonly sequence: number;
  /** Where its last event is from. */
  readonly to: number;
}

/** Accounts whose going from a partition stands behind an entry of its outbox, and that are elsewhere. */
export async function listDepartures(
  client: pg.ClientBase,
  partition: number,
  after: EntryId,
): Promise<readonly RecordedDeparture[]> {
  const { rows } = await client.query<RecordedDeparture>({
    name: 'recorded departures',
    text: `SELECT e.account_id AS "accountId", max(e.sequence)::float8 AS sequence,
             s.partition AS to
           FROM tolld.account_events e JOIN tolld.account_states s USING (account_id)
           WHERE e.change = 'moved-out' AND e.partition = $1 AND (e.epoch, e.entry) > ($2, $3)
             AND s.partition <> $1
           GROUP BY e.account_id, s.partition ORDER BY 1`,
    values: [partition, after.epoch, after.n],
  });
  return rows;
}

/**
 * Ends in the record the sessions that a rebuilt Redis does not know: all but those of RADIUS. What
 * their gateways report next is of an unknown session.
 */
export async function endForgottenSessions(
  client: pg.ClientBase,
  accountIds: readonly string[],
): Promise<number> {
  const { rowCount } = await client.query({
    name: 'end forgotten sessions',
    text: `UPDATE tolld.sessions SET state = 'expired', closed_at = now(), cause = 'rebuild'
           WHERE account_id = ANY ($1) AND closed_at IS NULL AND protocol IS DISTINCT FROM 'radius'`,
    values: [accountIds],
  });
  return rowCount ?? 0;
}
