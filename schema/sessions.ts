import { integer, jsonb, primaryKey, text } from 'drizzle-orm/pg-core';
import { amount, count, instant, tolld } from './database.js';

export const sessions = tolld.table(
  'sessions',
  {
    openedAt: instant('opened_at').notNull(),
    sessionId: text('session_id').notNull(),
    tenant: text('tenant').notNull(),
    accountId: text('account_id').notNull(),
    customerId: text('customer_id'),
    subscriptionId: text('subscription_id'),
    protocol: text('protocol'),
    peer: text('peer'),
    serviceContext: text('service_context'),
    state: text('state').$type<'open' | 'closed' | 'expired'>().notNull(),
    closedAt: instant('closed_at'),
    cause: text('cause'),
    lastRequestNumber: count('last_request_number').notNull(),
    imsi: text('imsi'),
    msisdn: text('msisdn'),
    userName: text('user_name'),
    mac: text('mac'),
    address: text('address'),
    calledParty: text('called_party'),
    callingParty: text('calling_party'),
    network: jsonb('network'),
  },
  (table) => [primaryKey({ columns: [table.sessionId, table.openedAt] })],
);

export const notifications = tolld.table('notifications', {
  id: count('id').primaryKey().generatedAlwaysAsIdentity(),
  tenant: text('tenant').notNull(),
  accountId: text('account_id').notNull(),
  sequence: count('sequence').notNull(),
  raisedAt: instant('raised_at').notNull(),
  thresholdId: text('threshold_id').notNull(),
  resource: text('resource').notNull(),
  level: amount('level').notNull(),
  value: amount('value').notNull(),
  state: text('state').$type<'raised' | 'sent' | 'failed'>().notNull().default('raised'),
  attempts: integer('attempts').notNull().default(0),
  settledAt: instant('settled_at'),
});
