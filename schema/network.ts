import { jsonb, text } from 'drizzle-orm/pg-core';
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
