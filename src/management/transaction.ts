import type pg from 'pg';

/**
 * Runs work in one transaction that may see and change every tenant's configuration, and undoes all
 * of it when the work throws. node.ts and the command line make one of a pool for the manager role.
 */
export type Transact = <T>(work: (client: pg.PoolClient) => Promise<T>) => Promise<T>;

/**
 * "tolc" in ASCII. Whoever changes the configuration holds this lock until the end of its
 * transaction, so that versions are committed in the order of their numbers and a published one
 * never lacks an older one's changes.
 */
const CONFIGURATION_LOCK = 0x746f6c63;

/** Waits for others that change the configuration. Released with the transaction. */
export async function lockConfiguration(client: pg.ClientBase): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock($1)', [CONFIGURATION_LOCK]);
}

/** A process that stops in the middle must not keep its locks from the others for ever. */
const IDLE_MAX_SECONDS = 30;

/** For transactions that hold locks while they wait for Redis. */
export async function boundIdleTime(client: pg.ClientBase): Promise<void> {
  await client.query(`SET LOCAL idle_in_transaction_session_timeout = '${IDLE_MAX_SECONDS}s'`);
}
