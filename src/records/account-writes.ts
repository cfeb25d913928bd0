/**
 * Moves accounts on in the record: their runs, and what their buckets hold. The usual way is one
 * update that also compares: it moves just those accounts that stand where the batch begins.
 */
import type pg from 'pg';
import type { UnbalancedBucket } from '../domain/flush.js';
import type { AccountChange, AccountChanges, BucketBalance } from './account-changes.js';
import { arrayText, instantText, type CopyValue } from './copy-text.js';
import type { Statement } from './statement-series.js';

/**
 * Moves all accounts on, if each of them stands where the batch begins, bucket for bucket: where one
 * doesn't, rows are missing.
 */
export function movingStatements(changes: AccountChanges): readonly Statement[] {
  const { fresh, known } = split(changes);
  const changing = known.filter(({ balances }) => balances.length > 0);
  const keeping = known.filter(({ balances }) => balances.length === 0);
  return [
    ...counted(MOVE, changing, COMPARED),
    ...counted(MOVE_ON, keeping, COUNTED),
    ...counted(MAKE, fresh, MADE),
    ...rareOf(known),
  ];
}

/** What is in the record of the accounts of a batch. */
export interface StoredAccounts {
  readonly runs: ReadonlyMap<string, number>;
  readonly balances: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

/** Reads and holds the accounts; those that are not there stand at 0 and hold nothing. */
export async function readStoredAccounts(
  client: pg.ClientBase,
  accountIds: readonly string[],
): Promise<StoredAccounts> {
  const { rows } = await client.query<{
    account_id: string;
    last_sequence: string;
    balances: Readonly<Record<string, number>>;
  }>({
    name: 'stored accounts',
    text: `SELECT account_id, last_sequence, balances FROM tolld.account_states
           WHERE account_id = ANY ($1) ORDER BY account_id FOR UPDATE`,
    values: [arrayText(accountIds)],
  });
  const stored = new Map(rows.map((row) => [row.account_id, row]));
  return {
    runs: new Map(accountIds.map((id) => [id, Number(stored.get(id)?.last_sequence ?? 0)])),
    balances: new Map(accountIds.map((id) => [id, stored.get(id)?.balances ?? {}])),
  };
}

/** Buckets that did not hold what the first event of a batch found in them. */
export function compareBalances(
  changes: AccountChanges,
  { balances }: StoredAccounts,
): readonly UnbalancedBucket[] {
  return [...changes.values()].flatMap(({ accountId, balances: found }) =>
    found.flatMap(({ bucketId, before, after }) => {
      const stored = balances.get(accountId)?.[bucketId] ?? 0;
      const expected = stored + (after - (before ?? 0));
      return expected === after ? [] : [{ accountId, bucketId, remaining: after, expected }];
    }),
  );
}

/** Moves accounts on that {@link readStoredAccounts} has read and whose runs were compared. */
export function forcingStatements(changes: AccountChanges): readonly Statement[] {
  const { fresh, known } = split(changes);
  return [...counted(FORCE, known, MOVED), ...counted(MAKE, fresh, MADE), ...rareOf(known)];
}

/** Accounts with a run in the record, and those whose run begins. */
function split(changes: AccountChanges): {
  readonly known: readonly AccountChange[];
  readonly fresh: readonly AccountChange[];
} {
  const all = [...changes.values()];
  return {
    known: all.filter(({ previous }) => previous > 0),
    fresh: all.filter(({ previous }) => previous === 0),
  };
}

type Column = (change: AccountChange) => CopyValue;

const MOVED: readonly Column[] = [
  ({ accountId }) => accountId,
  ({ last }) => last,
  ({ atMs }) => instantText(atMs),
  ({ balances }) => balancesText(balances, afterOf),
];
const COMPARED: readonly Column[] = [
  ...MOVED,
  ({ previous }) => previous,
  ({ balances }) => balancesText(balances, beforeOf),
];
const COUNTED: readonly Column[] = [
  ({ accountId }) => accountId,
  ({ last }) => last,
  ({ atMs }) => instantText(atMs),
  ({ previous }) => previous,
];
const MADE: readonly Column[] = [
  ...MOVED,
  ({ tenant }) => tenant,
  ({ partition }) => partition,
  ({ header }) => header?.lastIntent ?? 0,
  ({ header }) => header?.standing ?? null,
  ({ header }) => header?.profileVersion ?? null,
];

/** The statement over these accounts, which must change a row for each; none for no accounts. */
function counted(
  { name, text }: Pick<Statement, 'name' | 'text'>,
  changes: readonly AccountChange[],
  columns: readonly Column[],
): readonly Statement[] {
  if (changes.length === 0) return [];
  const values = columns.map((column) => arrayText(changes.map(column)));
  return [{ name, text, values, rowsExpected: changes.length }];
}

const afterOf = ({ after }: BucketBalance): number => after;
const beforeOf = ({ before }: BucketBalance): number | null => before;

/** A JSON object of what buckets hold. */
function balancesText(
  balances: readonly BucketBalance[],
  amountOf: (balance: BucketBalance) => number | null,
): string {
  let text = '{';
  let separator = '';
  for (const balance of balances) {
    const amount = amountOf(balance);
    if (amount === null) continue;
    text += `${separator}${JSON.stringify(balance.bucketId)}:${amount}`;
    separator = ',';
  }
  return `${text}}`;
}

const MOVE = {
  name: 'move accounts',
  text: `
    UPDATE tolld.account_states AS s
    SET last_sequence = v.last, last_at = v.at, balances = s.balances || v.after
    FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::jsonb[], $5::bigint[], $6::jsonb[])
      AS v (account_id, last, at, after, previous, before)
    WHERE s.account_id = v.account_id AND s.last_sequence = v.previous
      AND s.balances @> v.before`,
};

/** Accounts whose buckets hold what they held, as at a login: without a look into them. */
const MOVE_ON = {
  name: 'move accounts on',
  text: `
    UPDATE tolld.account_states AS s SET last_sequence = v.last, last_at = v.at
    FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::bigint[])
      AS v (account_id, last, at, previous)
    WHERE s.account_id = v.account_id AND s.last_sequence = v.previous`,
};

const FORCE = {
  name: 'force accounts',
  text: `
    UPDATE tolld.account_states AS s
    SET last_sequence = v.last, last_at = v.at, balances = s.balances || v.after
    FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::jsonb[])
      AS v (account_id, last, at, after)
    WHERE s.account_id = v.account_id`,
};

const MAKE = {
  name: 'make accounts',
  text: `
    INSERT INTO tolld.account_states (account_id, last_sequence, last_at, balances, tenant,
      partition, last_intent, standing, profile_version)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::jsonb[], $5::text[],
      $6::smallint[], $7::bigint[], $8::text[], $9::bigint[])
    ON CONFLICT DO NOTHING`,
};

/** What few accounts of a batch have: a new header, a bucket that ended. */
function rareOf(changes: readonly AccountChange[]): readonly Statement[] {
  const headed = changes.filter(({ header }) => header !== null);
  const ending = changes.filter(({ ended }) => ended !== null && ended.size > 0);
  return [
    ...(headed.length > 0 ? [{ ...HEAD, values: [headersText(headed)] }] : []),
    ...(ending.length > 0 ? [{ ...END, values: [endedText(ending)] }] : []),
  ];
}

const HEAD = {
  name: 'account headers',
  text: `
    UPDATE tolld.account_states AS s SET
      tenant = CASE s.tenant WHEN '' THEN v.tenant ELSE s.tenant END, partition = v.partition,
      last_intent = greatest(s.last_intent, v.last_intent),
      standing = coalesce(v.standing, s.standing),
      profile_version = coalesce(v.profile_version, s.profile_version)
    FROM jsonb_to_recordset($1) AS v (account_id text, tenant text, partition smallint,
      last_intent bigint, standing text, profile_version bigint)
    WHERE s.account_id = v.account_id`,
};

function headersText(changes: readonly AccountChange[]): string {
  return JSON.stringify(
    changes.map(({ accountId, tenant, partition, header }) => ({
      account_id: accountId,
      tenant,
      partition,
      last_intent: header?.lastIntent,
      standing: header?.standing,
      profile_version: header?.profileVersion,
    })),
  );
}

/** Left in, the buckets of years would fill the row. */
const END = {
  name: 'ended buckets',
  text: `
    UPDATE tolld.account_states AS s
    SET balances = s.balances - ARRAY(
      SELECT bucket_id FROM jsonb_array_elements_text(v.ended) AS bucket_id
      WHERE s.balances ->> bucket_id = '0')
    FROM jsonb_to_recordset($1) AS v (account_id text, ended jsonb)
    WHERE s.account_id = v.account_id`,
};

function endedText(changes: readonly AccountChange[]): string {
  return JSON.stringify(
    changes.map(({ accountId, ended }) => ({ account_id: accountId, ended: [...(ended ?? [])] })),
  );
}
