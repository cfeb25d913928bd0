import { sql } from 'drizzle-orm';
import { jsonb, primaryKey, text } from 'drizzle-orm/pg-core';
import { count, instant, tolld } from './database.js';

export const publications = tolld.table('publications', {
  number: count('number').primaryKey().generatedAlwaysAsIdentity(),
  tenant: text('tenant').notNull(),
  topic: text('topic').notNull(),
  subject: text('subject').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
  publishedAt: instant('published_at'),
});

export const rateChanges = tolld.table(
  'rate_changes',
  {
    configVersion: count('config_version').notNull(),
    tenant: text('tenant').notNull(),
    tariffs: text('tariffs').array().notNull(),
    plans: text('plans').array().notNull(),
    afterSession: text('after_session').notNull().default(''),
    nextAt: instant('next_at')
      .notNull()
      .default(sql`now() + interval '5 seconds'`),
    asked: count('asked').notNull().default(0),
    finishedAt: instant('finished_at'),
  },
  (table) => [primaryKey({ columns: [table.configVersion, table.tenant] })],
);

export const intents = tolld.table('intents', {
  id: text('id').primaryKey(),
  tenant: text('tenant').notNull(),
  accountId: text('account_id').notNull(),
  number: count('number').notNull(),
  idempotencyKey: text('idempotency_key').notNull(),
  transferId: text('transfer_id'),
  kind: text('kind').notNull(),
  state: text('state').$type<'pending' | 'applied' | 'refused'>().notNull().default('pending'),
  body: jsonb('body').notNull(),
  refusal: text('refusal'),
  actor: text('actor'),
  createdAt: instant('created_at').notNull().defaultNow(),
  settledAt: instant('settled_at'),
  appliedSequence: count('applied_sequence'),
});
