/** The header of each account as its last event left it: where its run stands, and its standing. */
import type pg from 'pg';
import type { AccountStanding, OutboxEntry } from '../domain/events.js';
import { informativeInstant } from './copy-text.js';
import type { KnownAccounts } from './event-context.js';

interface AccountState {
  tenant: string;
  readonly partition: number;
  lastSequence: number;
  at: string;
  lastIntent: number;
  standing: AccountStanding | null;
  profileVersion: number | null;
}

export type AccountStates = Map<string, AccountState>;

/** Where a time can't be kept the entry is in quarantine; its account's run goes on all the same. */
const UNKNOWN_TIME = '1970-01-01T00:00:00.000Z';
/** So is an entry of an account that nobody knows; its state belongs to no tenant. */
const UNKNOWN_TENANT = '';

export function addAccountStates(
  states: AccountStates,
  entry: OutboxEntry,
  known: KnownAccounts,
): void {
  const at = informativeInstant(entry.at) ?? UNKNOWN_TIME;
  for (const { accountId, firstSequence, events } of entry.accounts) {
    let state = states.get(accountId);
    if (state === undefined) {
      state = {
        tenant: known.get(accountId)?.tenant ?? UNKNOWN_TENANT,
        partition: entry.partition,
        lastSequence: 0,
        at,
        lastIntent: 0,
        standing: null,
        profileVersion: null,
      };
      states.set(accountId, state);
    }
    if (state.tenant === UNKNOWN_TENANT) state.tenant = entry.stamp?.tenant ?? UNKNOWN_TENANT;
    state.lastSequence = firstSequence + events.length - 1;
    state.at = at;
    for (const event of events) {
      if (event.type === 'ledger') {
        state.lastIntent = Math.max(state.lastIntent, event.intentNumber ?? 0);
      } else if (event.type === 'account') {
        state.standing = event.standing;
        state.profileVersion = event.profileVersion;
      }
    }
  }
}

/** Writes the states; `stored` names the accounts that have a row, which are all but the newest. */
export async function writeAccountStates(
  client: pg.ClientBase,
  states: AccountStates,
  stored: ReadonlySet<string>,
): Promise<void> {
  const all = [...states];
  const known = all.filter(([accountId]) => stored.has(accountId));
  const fresh = all.filter(([accountId]) => !stored.has(accountId));
  if (known.length > 0) {
    const { rowCount } = await client.query({ ...UPDATE, values: columnsOf(known) });
    if (rowCount !== known.length) throw new Error('an account state went away in a transaction');
  }
  // Another partition's flusher may have been first to write of a moved account; then its row is in
  // the way, and the batch is tried again.
  if (fresh.length > 0) await client.query({ ...INSERT, values: columnsOf(fresh) });
}

const COLUMNS = `unnest($1::text[], $2::text[], $3::smallint[], $4::bigint[], $5::timestamptz[],
  $6::bigint[], $7::text[], $8::bigint[])
  AS v (account_id, tenant, partition, last_sequence, at, last_intent, standing, profile_version)`;

const UPDATE = {
  name: 'account states',
  text: `
    UPDATE tolld.account_states AS s SET
      tenant = CASE s.tenant WHEN '' THEN v.tenant ELSE s.tenant END,
      partition = v.partition, last_sequence = v.last_sequence, last_at = v.at,
      last_intent = greatest(s.last_intent, v.last_intent),
      standing = coalesce(v.standing, s.standing),
      profile_version = coalesce(v.profile_version, s.profile_version)
    FROM ${COLUMNS}
    WHERE s.account_id = v.account_id`,
};

const INSERT = {
  name: 'new account states',
  text: `
    INSERT INTO tolld.account_states
      (account_id, tenant, partition, last_sequence, last_at, last_intent, standing, profile_version)
    SELECT * FROM ${COLUMNS}`,
};

function columnsOf(states: readonly (readonly [string, AccountState])[]): unknown[] {
  return [
    states.map(([accountId]) => accountId),
    states.map(([, { tenant }]) => tenant),
    states.map(([, { partition }]) => partition),
    states.map(([, { lastSequence }]) => lastSequence),
    states.map(([, { at }]) => at),
    states.map(([, { lastIntent }]) => lastIntent),
    states.map(([, { standing }]) => standing),
    states.map(([, { profileVersion }]) => profileVersion),
  ];
}
