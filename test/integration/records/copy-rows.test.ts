import { expect, test } from 'vitest';
import { CopyRows } from '../../../src/records/copy-rows.js';
import { UnstorableError } from '../../../src/records/copy-text.js';
import { runSeries } from '../../../src/records/statement-series.js';
import { testDatabase } from '../../support/postgres.js';

const database = testDatabase();
const TABLE = {
  table: 'copied',
  columns: ['position', 'number', 'small', 'at', 'flag', 'word', 'document'],
} as const;

const NUMBERS = [0, -1, 1, 2 ** 32, -(2 ** 32), 2 ** 32 - 1, -(2 ** 31) - 1].concat(
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
);
const INSTANTS = [
  0,
  Date.UTC(1999, 11, 31, 23, 59, 59, 999),
  Date.UTC(2000, 0, 1),
  Date.UTC(2026, 10, 22, 2, 30, 0, 123),
  Date.UTC(9999, 11, 31, 23, 59, 59, 999),
];
const WORDS = [
  '',
  'plain',
  'tab\tand\nline\\slash',
  'ümläut',
  '数'.repeat(60),
  'x'.repeat(200_000),
];

test('what is copied is read back as it was', async () => {
  await database.pool.query(`
    CREATE TABLE tolld.copied (position smallint, number bigint, small smallint, at timestamptz,
      flag boolean, word text, document jsonb)`);
  const count = Math.max(NUMBERS.length, INSTANTS.length, WORDS.length);
  const expected = Array.from({ length: count + 1 }, (_, index) => ({
    position: index,
    number: NUMBERS[index] ?? null,
    small: 3_000 * index - 15_000,
    at: INSTANTS[index] ?? null,
    flag: index % 2 === 0,
    word: WORDS[index] ?? null,
    document: WORDS[index] === undefined ? null : { [`key ${index}`]: [WORDS[index], index] },
  }));
  const rows = new CopyRows({ columns: TABLE.columns.length, bytes: 1 });
  expect(rows.isEmpty).toBe(true);
  for (const { position, number, small, at, flag, word, document } of expected) {
    rows.row().small(position).integer(number).small(small).instant(at).boolean(flag).text(word);
    rows.json(document === null ? null : JSON.stringify(document));
  }
  expect(rows.isEmpty).toBe(false);
  const client = await database.pool.connect();
  await runSeries(client, [{ into: TABLE, rows }]);
  client.release();
  const { rows: found } = await database.pool.query<Record<string, unknown>>(
    `SELECT position, number::float8, small, (extract(epoch FROM at) * 1000)::float8 AS at, flag, word,
       document FROM tolld.copied ORDER BY position`,
  );
  expect(found).toEqual(expected);
});

test('what no column holds is refused before it is sent', () => {
  const rows = new CopyRows({ columns: 1 });
  for (const value of [Number.NaN, 0.5, 2 ** 53, Infinity]) {
    expect(() => rows.integer(value)).toThrow(UnstorableError);
  }
  for (const value of [0.5, 2 ** 15, -(2 ** 15) - 1]) {
    expect(() => rows.small(value)).toThrow(UnstorableError);
  }
  for (const value of [-1, Number.NaN, Date.UTC(10_000, 0, 1)]) {
    expect(() => rows.instant(value)).toThrow(UnstorableError);
  }
});
