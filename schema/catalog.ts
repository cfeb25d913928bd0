import type { ConsumptionOrder } from '../src/domain/consumption-order.js';
import { integer, jsonb, primaryKey, smallint, text } from 'drizzle-orm/pg-core';
import { count, instant, tolld } from './database.js';

export const resources = tolld.table(
  'resources',
  {
    tenant: text('tenant').notNull(),
    code: text('code').notNull(),
    name: text('name'),
    kind: text('kind').$type<'units' | 'money'>().notNull(),
    scale: smallint('scale').notNull().default(0),
    consumptionOrder: text('consumption_order')
      .$type<ConsumptionOrder>()
      .notNull()
      .default('earliest-expiring'),
    definition: jsonb('definition').notNull().default({}),
    state: text('state').$type<'active' | 'retired'>().notNull().default('active'),
    version: count('version').notNull().default(1),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.code] })],
);

export type RevisionState = 'draft' | 'active' | 'retired';

export const tariffs = tolld.table(
  'tariffs',
  {
    tenant: text('tenant').notNull(),
    code: text('code').notNull(),
    revision: integer('revision').notNull(),
    name: text('name'),
    definition: jsonb('definition').notNull(),
    state: text('state').$type<RevisionState>().notNull().default('active'),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.code, table.revision] })],
);

export const plans = tolld.table(
  'plans',
  {
    tenant: text('tenant').notNull(),
    code: text('code').notNull(),
    revision: integer('revision').notNull(),
    name: text('name'),
    definition: jsonb('definition').notNull(),
    state: text('state').$type<RevisionState>().notNull().default('active'),
    createdAt: instant('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.code, table.revision] })],
);

export const configVersions = tolld.table('config_versions', {
  version: count('version').primaryKey().generatedAlwaysAsIdentity(),
  actor: text('actor'),
  summary: text('summary').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
  publishedAt: instant('published_at'),
});
