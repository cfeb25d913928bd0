import { customType, integer, jsonb, primaryKey, smallint, text } from 'drizzle-orm/pg-core';
import { amount, count, instant, tolld } from './database.js';

const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

export const flushOffsets = tolld.table('flush_offsets', {
  partition: smallint('partition').primaryKey(),
  epoch: count('epoch').notNull(),
  n: count('n').notNull(),
  fence: count('fence').notNull().default(0),
  flushedAt: instant('flushed_at'),
  endedEpochs: jsonb('ended_epochs').notNull().default([]),
});

export const recoveries = tolld.table(
  'recoveries',
  {
    partition: smallint('partition').notNull(),
    epoch: count('epoch').notNull(),
    comparedAt: instant('compared_at').notNull().defaultNow(),
    openedAt: instant('opened_at'),
    verdict: text('verdict').notNull(),
    redisEpoch: count('redis_epoch'),
    redisEntry: count('redis_entry'),
    recordedEpoch: count('recorded_epoch').notNull(),
    recordedEntry: count('recorded_entry').notNull(),
    accountsRestored: integer('accounts_restored').notNull().default(0),
    entriesLost: count('entries_lost').notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.partition, table.epoch] })],
);

export const lostEvents = tolld.table(
  'lost_events',
  {
    partition: smallint('partition').notNull(),
    epoch: count('epoch').notNull(),
    n: count('n').notNull(),
    happenedAt: instant('happened_at'),
    accounts: jsonb('accounts').notNull(),
    impacts: jsonb('impacts').notNull(),
    packed: bytes('packed').notNull(),
    noticedAt: instant('noticed_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.partition, table.epoch, table.n] })],
);

export const flushLeases = tolld.table('flush_leases', {
  partition: smallint('partition').primaryKey(),
  holder: text('holder'),
  fence: count('fence').notNull().default(0),
  expiresAt: instant('expires_at').notNull(),
});

export const flushers = tolld.table('flushers', {
  holder: text('holder').primaryKey(),
  expiresAt: instant('expires_at').notNull(),
});

export const quarantinedEvents = tolld.table(
  'quarantined_events',
  {
    partition: smallint('partition').notNull(),
    epoch: count('epoch').notNull(),
    n: count('n').notNull(),
    happenedAt: instant('happened_at'),
    code: text('code').notNull(),
    message: text('message').notNull(),
    accounts: jsonb('accounts').notNull(),
    impacts: jsonb('impacts').notNull(),
    packed: bytes('packed').notNull(),
    quarantinedAt: instant('quarantined_at').notNull().defaultNow(),
    resolvedAt: instant('resolved_at'),
  },
  (table) => [primaryKey({ columns: [table.partition, table.epoch, table.n] })],
);

export const archivedImpacts = tolld.table(
  'archived_impacts',
  {
    accountId: text('account_id').notNull(),
    bucketId: text('bucket_id').notNull(),
    delta: amount('delta').notNull(),
  },
  (table) => [primaryKey({ columns: [table.accountId, table.bucketId] })],
);

export const archivedRuns = tolld.table('archived_runs', {
  accountId: text('account_id').primaryKey(),
  events: count('events').notNull(),
});

export const archivedMonths = tolld.table('archived_months', {
  tableName: text('table_name').primaryKey(),
  startsAt: instant('starts_at').notNull(),
  endsAt: instant('ends_at').notNull(),
  rows: count('rows').notNull(),
  detachedAt: instant('detached_at').notNull().defaultNow(),
});

export const migrations = tolld.table('migrations', {
  number: smallint('number').primaryKey(),
  name: text('name').notNull(),
  checksum: text('checksum').notNull(),
  appliedAt: instant('applied_at').notNull().defaultNow(),
  durationMs: count('duration_ms').notNull(),
});
