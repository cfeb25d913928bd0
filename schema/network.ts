import { jsonb, primaryKey, text } from 'drizzle-orm/pg-core';
import { count, instant, tolld } from './database.js';

export const diameterPeers = tolld.table('diameter_peers', {
  name: text('name').primaryKey(),
  tenant: text('tenant'),
  originHost: text('origin_host'),
  originRealm: text('origin_realm').notNull(),
  networkScope: text('network_scope').notNull(),
  definition: jsonb('definition').notNull().default({}),
  state: text('state').$type<'active' | 'retired'>().notNull().default('active'),
  version: count('version').notNull().default(1),
  createdAt: instant('created_at').notNull().defaultNow(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});

export const nasClients = tolld.table('nas', {
  name: text('name').primaryKey(),
  tenant: text('tenant'),
  /** Secrets are sealed. */
  definition: jsonb('definition').notNull(),
  state: text('state').$type<'active' | 'retired'>().notNull().default('active'),
  version: count('version').notNull().default(1),
  createdAt: instant('created_at').notNull().defaultNow(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});

export const addressPools = tolld.table('address_pools', {
  code: text('code').primaryKey(),
  definition: jsonb('definition').notNull(),
  state: text('state').$type<'active' | 'retired'>().notNull().default('active'),
  version: count('version').notNull().default(1),
  createdAt: instant('created_at').notNull().defaultNow(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});

export const accessPlans = tolld.table(
  'access_plans',
  {
    tenant: text('tenant').notNull(),
    code: text('code').notNull(),
    definition: jsonb('definition').notNull(),
    state: text('state').$type<'active' | 'retired'>().notNull().default('active'),
    version: count('version').notNull().default(1),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.code] })],
);
