/** The record, for a command that only reads: opened, used once, closed. */
import type pg from 'pg';
import { createLogger } from '../observability/logger.js';
import { findAccounts, type AccountPlace } from '../records/account-lookup.js';
import { createDatabase } from '../records/database.js';
import type { CommandContext } from './context.js';

/** What a person named is not there, or not only once. */
export class NotFoundError extends Error {
  readonly code = 'TOLLD_NOT_FOUND';
}

/** Runs `work` with a pool that may only read. */
export async function withRecord<Result>(
  { readConfig }: CommandContext,
  work: (pool: pg.Pool) => Promise<Result>,
): Promise<Result> {
  const { config } = readConfig();
  const pool = createDatabase(
    { url: config.postgres.url, name: 'tolld cli', connectionsMax: 1, role: 'reader' },
    { logger: createLogger({ level: 'silent' }) },
  );
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

/** The one account of an id or external id. @throws NotFoundError when there is none, or several. */
export async function requireAccount(
  pool: pg.Pool,
  { id, tenant }: { readonly id: string; readonly tenant: string | undefined },
): Promise<AccountPlace> {
  const found = await findAccounts(pool, id);
  const matching = found.filter((place) => tenant === undefined || place.tenant === tenant);
  const [account, ...others] = matching;
  if (account === undefined) {
    const where = tenant === undefined ? '' : ` in tenant ${tenant}`;
    throw new NotFoundError(`no account has the id or external id ${id}${where}`);
  }
  if (others.length > 0) {
    const tenants = matching.map((place) => place.tenant).join(', ');
    throw new NotFoundError(`${id} is in several tenants (${tenants}): name one by --tenant`);
  }
  return account;
}
