import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CopyRows } from '../../../src/records/copy-rows.js';
import {
  RowsMissingError,
  runSeries,
  type SeriesStep,
} from '../../../src/records/statement-series.js';
import { testDatabase } from '../../support/postgres.js';

const database = testDatabase();
const OFFSETS = { table: 'flush_offsets', columns: ['partition', 'epoch', 'n'] } as const;

let client: pg.Client;
beforeEach(async () => {
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterEach(async () => {
  await client.end();
});

function rowsOf(...partitions: readonly number[]): SeriesStep {
  const rows = new CopyRows({ columns: OFFSETS.columns.length });
  for (const partition of partitions) rows.row().small(partition).integer(1).integer(7);
  return { into: OFFSETS, rows };
}

function moveTo(n: number, partition: number, rowsExpected = 1): SeriesStep {
  return {
    name: 'move one',
    text: 'UPDATE tolld.flush_offsets SET n = $1 WHERE partition = $2',
    values: [String(n), String(partition)],
    rowsExpected,
  };
}

async function offsets(): Promise<readonly unknown[]> {
  const { rows } = await client.query<{ partition: number; n: string }>(
    'SELECT partition, n FROM tolld.flush_offsets WHERE partition >= 800 ORDER BY partition',
  );
  return rows.map(({ partition, n }) => [partition, Number(n)]);
}

describe('a series of statements', () => {
  test('is run in its order, rows and statements alike', async () => {
    const steps = ['BEGIN', rowsOf(801, 802), moveTo(8, 802), rowsOf(803), moveTo(9, 803)];
    await runSeries(client, steps);
    expect(await offsets()).toEqual([
      [801, 7],
      [802, 8],
      [803, 9],
    ]);
    await client.query('ROLLBACK');
  });

  test('tells of a statement that changed too many rows or too few', async () => {
    const steps = ['BEGIN', rowsOf(801), moveTo(8, 801), moveTo(8, 802)];
    await expect(runSeries(client, steps)).rejects.toThrow(
      new RowsMissingError('move one: 0 rows instead of 1'),
    );
    await client.query('ROLLBACK');
  });

  test('ends at what Postgres refuses, and the connection serves the next', async () => {
    const refused = ['BEGIN', rowsOf(801), rowsOf(802, 802), moveTo(8, 801), rowsOf(803), 'COMMIT'];
    await expect(runSeries(client, refused)).rejects.toMatchObject({ code: '23505' });
    await client.query('ROLLBACK');
    expect(await offsets()).toEqual([]);
    await runSeries(client, ['BEGIN', rowsOf(801), moveTo(8, 801)]);
    expect(await offsets()).toEqual([[801, 8]]);
    await client.query('ROLLBACK');
  });

  test('fails where the connection ends on the way, or has ended', async () => {
    const own = new pg.Client({ connectionString: database.url });
    own.on('error', () => undefined);
    await own.connect();
    const ending = ['SELECT pg_terminate_backend(pg_backend_pid())', rowsOf(801)];
    await expect(runSeries(own, ending)).rejects.toThrow();
    await expect(runSeries(own, [rowsOf(801)])).rejects.toThrow();
    expect(await offsets()).toEqual([]);
  });
});
