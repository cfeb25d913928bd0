/**
 * The Postgres schema that everything lives in. The tables of this folder describe what the SQL of
 * `migrations/` makes, area by area, for typed queries; a test holds both together. Partitions,
 * policies, triggers and indexes are said in SQL only.
 */
import { bigint, pgSchema, timestamp } from 'drizzle-orm/pg-core';

export const tolld = pgSchema('tolld');

/** A moment, always with its zone. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' });

/** A whole number of a resource's smallest unit, or a sum of them: exact to 2^63 - 1. */
export const amount = (name: string) => bigint(name, { mode: 'bigint' });

/** A number that counts: exact to 2^53 - 1. */
export const count = (name: string) => bigint(name, { mode: 'number' });
