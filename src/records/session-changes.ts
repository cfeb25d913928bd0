/** What a batch of events does to sessions, folded to one row for each opening. */
import type { SessionEvent } from '../domain/events.js';
import { instantText } from './copy-text.js';
import type { EventContext } from './event-context.js';
import type { Statement } from './statement-series.js';

/** In the names of the columns: goes to Postgres as it is. */
interface SessionRow {
  readonly opened_at: string;
  readonly session_id: string;
  readonly tenant: string;
  readonly account_id: string;
  readonly customer_id: string | null;
  readonly subscription_id: string | null;
  readonly protocol: string | null;
  readonly peer: string | null;
  readonly service_context: string | null;
  readonly state: 'open' | 'closed' | 'expired';
  readonly closed_at: string | null;
  readonly cause: string | null;
  readonly last_request_number: number;
  readonly imsi: string | null;
  readonly msisdn: string | null;
  readonly user_name: string | null;
  readonly mac: string | null;
  readonly address: string | null;
  readonly called_party: string | null;
  readonly calling_party: string | null;
  readonly network: Readonly<Record<string, string>> | null;
}

export type SessionChanges = Map<string, SessionRow>;

export function addSessionChange(
  changes: SessionChanges,
  event: SessionEvent,
  context: EventContext,
): void {
  const key = `${event.openedAt} ${event.sessionId}`;
  const isOpen = event.change === 'opened';
  const ending = {
    state: event.change === 'opened' ? ('open' as const) : event.change,
    closed_at: isOpen ? null : context.at,
    cause: event.cause,
    last_request_number: event.requestNumber,
  };
  const opened = changes.get(key);
  if (opened !== undefined) {
    changes.set(key, { ...opened, ...ending });
    return;
  }
  const { stamp } = context;
  const personal = stamp?.personal ?? {};
  changes.set(key, {
    opened_at: instantText(event.openedAt),
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
  });
}

export function sessionStatements(changes: SessionChanges): readonly Statement[] {
  if (changes.size === 0) return [];
  return [{ ...WRITE_SESSIONS, values: [JSON.stringify([...changes.values()])] }];
}

const WRITE_SESSIONS = {
  name: 'session changes',
  text: `
      INSERT INTO tolld.sessions AS s (opened_at, session_id, tenant, account_id, customer_id,
        subscription_id, protocol, peer, service_context, state, closed_at, cause,
        last_request_number, imsi, msisdn, user_name, mac, address, called_party,
        calling_party, network)
      SELECT * FROM jsonb_to_recordset($1) AS v (opened_at timestamptz, session_id text, tenant text,
        account_id text, customer_id text, subscription_id text, protocol text, peer text,
        service_context text, state text, closed_at timestamptz, cause text,
        last_request_number bigint, imsi text, msisdn text, user_name text, mac text, address text,
        called_party text, calling_party text, network jsonb)
      ON CONFLICT (session_id, opened_at) DO UPDATE SET
        state = excluded.state, closed_at = excluded.closed_at, cause = excluded.cause,
        last_request_number = excluded.last_request_number`,
};
