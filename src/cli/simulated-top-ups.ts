/** Top-ups in the middle of simulated traffic, as a person at the billing desk would book them. */
import type pg from 'pg';
import { parseDecimal } from '../domain/amounts.js';
import type { SimulatedSubscriber } from '../local/gy-simulator/traffic.js';
import { topUp } from '../management/balances/top-up.js';
import { createLogger } from '../observability/logger.js';
import { asTenant, createDatabase, EVERY_TENANT } from '../records/database.js';
import type { Config } from '../settings.js';
import { NotFoundError } from './record-access.js';

export interface TopUpsOptions {
  /** Of the currency that the account has, as people write it. */
  readonly amount: string;
  /** Before every so many sessions one of them, that of its subscriber. */
  readonly everySessions: number;
  /** Tells the top-ups of one run from those of another. */
  readonly run: string;
}

export interface TopUps {
  readonly beforeSession: (subscriber: SimulatedSubscriber, index: number) => Promise<void>;
  /** Top-ups that were booked so far. */
  readonly booked: number;
  close(): Promise<void>;
}

interface Purse {
  readonly accountId: string;
  readonly bucketId: string;
  readonly scale: number;
}

/** The first bucket of money of the account that an IMSI pays from. */
async function findPurse(pool: pg.Pool, imsi: string): Promise<Purse> {
  const [purse] = await asTenant(pool, EVERY_TENANT, async (client) => {
    const { rows } = await client.query<Purse>(
      `SELECT b.account_id AS "accountId", b.bucket_id AS "bucketId", r.scale
       FROM tolld.identities i
         JOIN tolld.buckets b ON b.account_id = i.account_id
         JOIN tolld.resources r ON r.tenant = b.tenant AND r.code = b.resource
       WHERE i.kind = 'imsi' AND i.value = $1 AND i.state = 'active' AND r.kind = 'money'
       ORDER BY b.priority, b.bucket_id LIMIT 1`,
      [imsi],
    );
    return rows;
  });
  if (purse === undefined) {
    throw new NotFoundError(`no account with money belongs to IMSI ${imsi}; load one first`);
  }
  return purse;
}

export function openTopUps(config: Config, options: TopUpsOptions): TopUps {
  const pool = createDatabase(
    {
      url: config.postgres.url,
      name: 'tolld simulated top-ups',
      connectionsMax: 2,
      role: 'manager',
    },
    { logger: createLogger({ level: 'silent' }) },
  );
  const purses = new Map<string, Purse>();
  let booked = 0;

  async function book({ imsi }: SimulatedSubscriber, index: number): Promise<void> {
    const purse = purses.get(imsi) ?? (await findPurse(pool, imsi));
    purses.set(imsi, purse);
    const { accountId, bucketId, scale } = purse;
    await topUp(
      (work) => asTenant(pool, EVERY_TENANT, work),
      {
        accountId,
        bucketId,
        amount: parseDecimal(options.amount, scale),
        idempotencyKey: `simulated:${options.run}:${index}`,
        actor: 'simulator',
        reason: 'simulated top-up',
      },
      { clock: Date.now },
    );
    booked += 1;
  }

  return {
    async beforeSession(subscriber, index) {
      if (index % options.everySessions === options.everySessions - 1) {
        await book(subscriber, index);
      }
    },
    get booked() {
      return booked;
    },
    close: () => pool.end(),
  };
}
