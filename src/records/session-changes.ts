/** What a batch of events does to sessions, folded to one row for each opening. */
import type { EventStamp, SessionEvent } from '../domain/events.js';
import { CopyRows } from './copy-rows.js';
import {
  arrayText,
  instantText,
  instantTextOrNull,
  storableInstant,
  type CopyValue,
} from './copy-text.js';
import type { EventContext } from './event-context.js';
import type { CopyIn, SeriesStep, Statement } from './statement-series.js';

/** In the names of the columns; times in milliseconds since 1970. */
interface SessionRow {
  readonly opened_at: number;
  readonly session_id: string;
  readonly tenant: string;
  readonly account_id: string;
  readonly customer_id: string | null;
  readonly subscription_id: string | null;
  readonly protocol: string | null;
  readonly peer: string | null;
  readonly service_context: string | null;
  state: 'open' | 'closed' | 'expired';
  closed_at: number | null;
  cause: string | null;
  last_request_number: number;
  readonly imsi: string | null;
  readonly msisdn: string | null;
  readonly user_name: string | null;
  readonly mac: string | null;
  readonly address: string | null;
  readonly called_party: string | null;
  readonly calling_party: string | null;
  readonly network: EventStamp['network'] | null;
}

interface SessionChange {
  readonly row: SessionRow;
  /** What the first event of the batch did: only what was opened for the first time is not there yet. */
  readonly begins: 'opened' | 'reopened' | 'ended';
}

export type SessionChanges = Map<string, SessionChange>;

export function addSessionChange(
  changes: SessionChanges,
  event: SessionEvent,
  context: EventContext,
): void {
  const key = `${event.openedAt} ${event.sessionId}`;
  const isOpen = event.change === 'opened';
  const ending = {
    state: event.change === 'opened' ? ('open' as const) : event.change,
    closed_at: isOpen ? null : context.atMs,
    cause: event.cause,
    last_request_number: event.requestNumber,
  };
  const known = changes.get(key);
  if (known !== undefined) {
    Object.assign(known.row, ending);
    return;
  }
  const { stamp } = context;
  const personal = stamp?.personal ?? {};
  const begins = isOpen ? (event.cause === null ? 'opened' : 'reopened') : 'ended';
  const row: SessionRow = {
    opened_at: storableInstant(event.openedAt),
    session_id: event.sessionId,
    tenant: context.tenant,
    account_id: context.accountId,
    customer_id: context.customer,
    subscription_id: context.subscription,
    protocol: stamp?.protocol ?? null,
    peer: stamp?.peer ?? null,
    service_context: stamp?.serviceContext ?? null,
    ...ending,
    imsi: personal.imsi ?? null,
    msisdn: personal.msisdn ?? null,
    user_name: personal.userName ?? null,
    mac: personal.mac ?? null,
    address: personal.address ?? null,
    called_party: personal.calledParty ?? null,
    calling_party: personal.callingParty ?? null,
    network: stamp?.network ?? null,
  };
  changes.set(key, { row, begins });
}

/**
 * The usual way: sessions that open are not in the record, and those that end are. COPY and a plain
 * update take half of Postgres' time of {@link sessionStatements}; a session that doesn't fit is refused,
 * or its row is missing, and the batch is then written that way.
 */
export function sessionSteps(changes: SessionChanges): readonly SeriesStep[] {
  const opened: SessionRow[] = [];
  const reopened: SessionRow[] = [];
  const ended: SessionRow[] = [];
  const by = { opened, reopened, ended };
  for (const { row, begins } of changes.values()) by[begins].push(row);
  return [
    ...(opened.length > 0 ? [copyOf(opened)] : []),
    ...(ended.length > 0 ? [endOf(ended)] : []),
    ...(reopened.length > 0 ? [writeOf(reopened)] : []),
  ];
}

/** Writes sessions whether they are in the record or not. */
export function sessionStatements(changes: SessionChanges): readonly Statement[] {
  return changes.size === 0 ? [] : [writeOf([...changes.values()].map(({ row }) => row))];
}

const SESSIONS = {
  table: 'sessions',
  columns: [
    'opened_at',
    'session_id',
    'tenant',
    'account_id',
    'customer_id',
    'subscription_id',
    'protocol',
    'peer',
    'service_context',
    'state',
    'closed_at',
    'cause',
    'last_request_number',
    'imsi',
    'msisdn',
    'user_name',
    'mac',
    'address',
    'called_party',
    'calling_party',
    'network',
  ],
} as const satisfies { readonly table: string; readonly columns: readonly (keyof SessionRow)[] };

function copyOf(opened: readonly SessionRow[]): CopyIn {
  const rows = new CopyRows({ columns: SESSIONS.columns.length });
  for (const session of opened) {
    rows
      .row()
      .instant(session.opened_at)
      .text(session.session_id)
      .text(session.tenant)
      .text(session.account_id)
      .text(session.customer_id)
      .text(session.subscription_id)
      .text(session.protocol)
      .text(session.peer)
      .text(session.service_context)
      .text(session.state)
      .instant(session.closed_at)
      .text(session.cause)
      .integer(session.last_request_number)
      .text(session.imsi)
      .text(session.msisdn)
      .text(session.user_name)
      .text(session.mac)
      .text(session.address)
      .text(session.called_party)
      .text(session.calling_party)
      .json(session.network === null ? null : JSON.stringify(session.network));
  }
  return { into: SESSIONS, rows };
}

function endOf(rows: readonly SessionRow[]): Statement {
  const values = ENDED.map((column) => arrayText(rows.map(column)));
  return { ...END_SESSIONS, values, rowsExpected: rows.length };
}

const ENDED: readonly ((row: SessionRow) => CopyValue)[] = [
  (row) => row.session_id,
  (row) => instantText(row.opened_at),
  (row) => row.state,
  (row) => instantTextOrNull(row.closed_at),
  (row) => row.cause,
  (row) => row.last_request_number,
];

const END_SESSIONS = {
  name: 'session ends',
  text: `
      UPDATE tolld.sessions AS s SET state = v.state, closed_at = v.closed_at, cause = v.cause,
        last_request_number = v.last_request_number
      FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::timestamptz[], $5::text[],
        $6::bigint[])
        AS v (session_id, opened_at, state, closed_at, cause, last_request_number)
      WHERE s.session_id = v.session_id AND s.opened_at = v.opened_at`,
};

function writeOf(rows: readonly SessionRow[]): Statement {
  const inText = rows.map((row) => ({
    ...row,
    opened_at: instantText(row.opened_at),
    closed_at: instantTextOrNull(row.closed_at),
  }));
  return { ...WRITE_SESSIONS, values: [JSON.stringify(inText)] };
}

const WRITE_SESSIONS = {
  name: 'session changes',
  text: `
      INSERT INTO tolld.sessions AS s (${SESSIONS.columns.join(', ')})
      SELECT * FROM jsonb_to_recordset($1) AS v (opened_at timestamptz, session_id text, tenant text,
        account_id text, customer_id text, subscription_id text, protocol text, peer text,
        service_context text, state text, closed_at timestamptz, cause text,
        last_request_number bigint, imsi text, msisdn text, user_name text, mac text, address text,
        called_party text, calling_party text, network jsonb)
      ON CONFLICT (session_id, opened_at) DO UPDATE SET
        state = excluded.state, closed_at = excluded.closed_at, cause = excluded.cause,
        last_request_number = excluded.last_request_number`,
};
