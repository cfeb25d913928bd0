import { integer, jsonb, primaryKey, smallint, text } from 'drizzle-orm/pg-core';
import { count, instant, tolld } from './database.js';

export const customers = tolld.table('customers', {
  id: text('id').primaryKey(),
  tenant: text('tenant').notNull(),
  moniker: text('moniker'),
  externalId: text('external_id'),
  name: text('name'),
  firstName: text('first_name'),
  lastName: text('last_name'),
  email: text('email'),
  phone: text('phone'),
  state: text('state')
    .$type<'pending' | 'active' | 'inactive' | 'closed' | 'purged'>()
    .notNull()
    .default('active'),
  standing: text('standing')
    .$type<'good' | 'grace' | 'limited' | 'suspended' | 'blocked' | 'exceeded'>()
    .notNull()
    .default('good'),
  custom: jsonb('custom').notNull().default({}),
  version: count('version').notNull().default(1),
  createdAt: instant('created_at').notNull().defaultNow(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});

export const accounts = tolld.table('accounts', {
  id: text('id').primaryKey(),
  tenant: text('tenant').notNull(),
  customerId: text('customer_id'),
  externalId: text('external_id'),
  partition: smallint('partition').notNull(),
  targetPartition: smallint('target_partition'),
  sharingGroup: text('sharing_group'),
  tariff: text('tariff'),
  standing: text('standing').$type<'active' | 'suspended' | 'closed'>().notNull().default('active'),
  profileVersion: count('profile_version').notNull().default(1),
  lastIntent: count('last_intent').notNull().default(0),
  definition: jsonb('definition').notNull().default({}),
  version: count('version').notNull().default(1),
  createdAt: instant('created_at').notNull().defaultNow(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});

export const sharingGroups = tolld.table(
  'sharing_groups',
  {
    tenant: text('tenant').notNull(),
    id: text('id').notNull(),
    ownerAccountId: text('owner_account_id').notNull(),
    definition: jsonb('definition').notNull().default({}),
    state: text('state').$type<'active' | 'suspended' | 'cancelled'>().notNull().default('active'),
    version: count('version').notNull().default(1),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] })],
);

export const subscriptions = tolld.table('subscriptions', {
  id: text('id').primaryKey(),
  tenant: text('tenant').notNull(),
  customerId: text('customer_id'),
  accountId: text('account_id').notNull(),
  externalId: text('external_id'),
  tariff: text('tariff'),
  plan: text('plan'),
  planRevision: integer('plan_revision'),
  state: text('state')
    .$type<'pending' | 'active' | 'suspended' | 'cancelled' | 'closed'>()
    .notNull()
    .default('active'),
  startsAt: instant('starts_at'),
  endsAt: instant('ends_at'),
  access: jsonb('access'),
  version: count('version').notNull().default(1),
  createdAt: instant('created_at').notNull().defaultNow(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});

export const identities = tolld.table('identities', {
  id: count('id').primaryKey().generatedAlwaysAsIdentity(),
  tenant: text('tenant').notNull(),
  accountId: text('account_id').notNull(),
  subscriptionId: text('subscription_id'),
  networkScope: text('network_scope').notNull(),
  kind: text('kind').notNull(),
  serviceType: text('service_type').notNull().default('*'),
  value: text('value'),
  state: text('state').$type<'active' | 'inactive' | 'released'>().notNull().default('active'),
  quarantineUntil: instant('quarantine_until'),
  createdAt: instant('created_at').notNull().defaultNow(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});
