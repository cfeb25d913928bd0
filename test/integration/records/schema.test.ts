import { getTableColumns, getTableName, is } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { testDatabase } from '../../support/postgres.js';

const database = testDatabase();
const SCHEMA_FOLDER = path.resolve('schema');

interface ColumnShape {
  readonly type: string;
  readonly required: boolean;
}
type Shapes = Record<string, Record<string, ColumnShape>>;

/** Every table that a file of schema/ exports. */
async function declaredTables(): Promise<Shapes> {
  const shapes: Shapes = {};
  for (const file of readdirSync(SCHEMA_FOLDER).filter((name) => name.endsWith('.ts'))) {
    const exported = (await import(path.join(SCHEMA_FOLDER, file))) as Record<string, unknown>;
    for (const table of Object.values(exported)) {
      if (!is(table, PgTable)) continue;
      shapes[getTableName(table)] = Object.fromEntries(
        Object.values(getTableColumns(table)).map((column) => [
          column.name,
          { type: column.getSQLType(), required: column.notNull },
        ]),
      );
    }
  }
  return shapes;
}

/** Every table that the migrations made; partitions belong to their tables. */
async function migratedTables(): Promise<Shapes> {
  const { rows } = await database.pool.query<{
    table: string;
    column: string;
    type: string;
    required: boolean;
  }>(`
    SELECT c.relname AS table, a.attname AS column,
      format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'tolld'::regnamespace AND c.relkind IN ('r', 'p')
      AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped`);
  const shapes: Shapes = {};
  for (const { table, column, type, required } of rows) {
    (shapes[table] ??= {})[column] = { type, required };
  }
  return shapes;
}

describe('the tables of schema/', () => {
  test('have the columns, types and nullability that the migrations make', async () => {
    const declared = await declaredTables();
    expect(Object.keys(declared).length).toBeGreaterThan(20);
    expect(declared).toEqual(await migratedTables());
  });

  test('keep money and units in whole numbers', async () => {
    const { rows } = await database.pool.query(`
      SELECT table_name, column_name FROM information_schema.columns
      WHERE table_schema = 'tolld' AND data_type IN ('real', 'double precision', 'money')`);
    expect(rows).toEqual([]);
  });

  test('keep every time with its zone', async () => {
    const { rows } = await database.pool.query(`
      SELECT table_name, column_name FROM information_schema.columns
      WHERE table_schema = 'tolld' AND data_type LIKE 'time%' AND data_type NOT LIKE '%with time zone'`);
    expect(rows).toEqual([]);
  });

  test('are rarely analysed where they grow or change all the time', async () => {
    await database.pool.query(`SELECT tolld.create_month('rated_events', '2031-05-01')`);
    const { rows } = await database.pool.query<{ table: string; options: string[] | null }>(`
      SELECT c.relname AS table, c.reloptions AS options
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE c.relnamespace = 'tolld'::regnamespace AND c.relkind = 'r'
      ORDER BY 1`);
    const expected = ['autovacuum_analyze_scale_factor=0.5'];
    const others = rows.filter(({ options }) => !options?.some((each) => expected.includes(each)));
    expect(others).toEqual([]);
    expect(rows.map(({ table }) => table)).toContain('rated_events_2031_05');
    const states = await database.pool.query<{ options: string[] }>(
      `SELECT reloptions AS options FROM pg_class WHERE oid = 'tolld.account_states'::regclass`,
    );
    expect(states.rows[0]?.options).toContain('autovacuum_analyze_scale_factor=2');
  });
});
