import { boolean, integer, jsonb, text } from 'drizzle-orm/pg-core';
import { count, instant, tolld } from './database.js';

export const installation = tolld.table('installation', {
  singleton: boolean('singleton').primaryKey().default(true),
  instanceId: text('instance_id').notNull(),
  partitions: integer('partitions').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
});

export const tenants = tolld.table('tenants', {
  id: text('id').primaryKey(),
  parentId: text('parent_id'),
  moniker: text('moniker').notNull(),
  externalId: text('external_id'),
  name: text('name').notNull(),
  timezone: text('timezone').notNull().default('UTC'),
  currency: text('currency'),
  features: jsonb('features').notNull().default({}),
  policy: jsonb('policy').notNull().default({}),
  state: text('state').$type<'active' | 'suspended' | 'closed'>().notNull().default('active'),
  version: count('version').notNull().default(1),
  createdAt: instant('created_at').notNull().defaultNow(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});
