/** Lists of rows: asked for by one parameter, and grouped by tenant and code. */
import { sql, type Column, type SQL } from 'drizzle-orm';

/** `column = ANY(list)`: one parameter however long the list is. */
export function anyOf(column: Column, list: readonly string[]): SQL {
  return sql`${column} = ANY(${sql.param([...list])}::text[])`;
}

export type Grouped<Value> = readonly [tenant: string, code: string, value: Value];

export function grouped<Value>(
  rows: readonly Grouped<Value>[],
): ReadonlyMap<string, ReadonlyMap<string, Value>> {
  const groups = new Map<string, Map<string, Value>>();
  for (const [tenant, code, value] of rows) {
    const group = groups.get(tenant) ?? new Map<string, Value>();
    groups.set(tenant, group.set(code, value));
  }
  return groups;
}
