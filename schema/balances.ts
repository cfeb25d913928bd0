/** What the facts add up to: rewritten by the flusher in the transaction that records them. */
import { boolean, integer, jsonb, primaryKey, smallint, text } from 'drizzle-orm/pg-core';
import { amount, count, instant, tolld } from './database.js';

export const accountStates = tolld.table('account_states', {
  accountId: text('account_id').primaryKey(),
  tenant: text('tenant').notNull(),
  partition: smallint('partition').notNull(),
  lastSequence: count('last_sequence').notNull(),
  lastAt: instant('last_at').notNull(),
  lastIntent: count('last_intent').notNull().default(0),
  standing: text('standing').$type<'active' | 'suspended' | 'closed'>(),
  profileVersion: count('profile_version'),
  /** What each bucket holds, by its id; one that ended with nothing is left out. */
  balances: jsonb('balances').$type<Readonly<Record<string, number>>>().notNull().default({}),
});

export const buckets = tolld.table(
  'buckets',
  {
    accountId: text('account_id').notNull(),
    bucketId: text('bucket_id').notNull(),
    tenant: text('tenant').notNull(),
    resource: text('resource').notNull(),
    kind: text('kind').$type<'units' | 'money'>(),
    priority: integer('priority'),
    state: text('state').$type<'pending' | 'armed' | 'active' | 'inactive'>(),
    startsAt: instant('starts_at'),
    endsAt: instant('ends_at'),
    durationMs: count('duration_ms'),
    createdAt: instant('created_at'),
    floor: amount('floor'),
    granted: amount('granted'),
    step: amount('step'),
    blocker: boolean('blocker'),
    bundleId: text('bundle_id'),
    detail: jsonb('detail'),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.bucketId] })],
);

/** Every bucket with what it holds. */
export const bucketBalances = tolld
  .view('bucket_balances', {
    accountId: text('account_id').notNull(),
    bucketId: text('bucket_id').notNull(),
    tenant: text('tenant').notNull(),
    resource: text('resource').notNull(),
    state: text('state').$type<'pending' | 'armed' | 'active' | 'inactive'>(),
    endsAt: instant('ends_at'),
    remaining: amount('remaining').notNull(),
  })
  .existing();
