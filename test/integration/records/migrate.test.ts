import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  migrate,
  missingMigrations,
  readMigrations,
  type MigrationStep,
} from '../../../src/records/migrate.js';
import { testDatabase } from '../../support/postgres.js';

const empty = testDatabase({ migrated: false });
const other = testDatabase({ migrated: false });
const migrated = testDatabase();

let folder: string;
let directory: URL;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tolld-migrations-'));
  await cp(path.resolve('schema/migrations'), folder, { recursive: true });
  directory = pathToFileURL(`${folder}/`);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('migrating', () => {
  test('by several processes at once applies each file once', async () => {
    expect((await missingMigrations(empty.pool)).length).toBeGreaterThan(5);
    const steps: MigrationStep[] = [];
    const reports = await Promise.all(
      Array.from({ length: 4 }, () =>
        migrate({ url: empty.url }, { report: (step) => steps.push(step) }),
      ),
    );
    const applied = reports.flatMap((report) => report.applied);
    expect(new Set(applied).size).toBe(applied.length);
    expect(steps.filter(({ step }) => step === 'applied').length).toBe(applied.length);
    expect(steps.some(({ step }) => step === 'waiting')).toBe(true);
    expect(await missingMigrations(empty.pool)).toEqual([]);
    for (const report of reports) expect(report.current).toBe(applied.length);
  });

  test('again changes nothing', async () => {
    const report = await migrate({ url: migrated.url });
    expect(report).toMatchObject({ applied: [], newer: [], notes: [] });
  });

  test('refuses a file that was applied with other content', async () => {
    await writeFile(path.join(folder, '0001-tenants-and-catalog.sql'), '-- Why: another one.\n');
    await expect(migrate({ url: migrated.url, directory })).rejects.toThrow(
      /0001-tenants-and-catalog\.sql was applied with other content/,
    );
  });

  test('takes a file that a later one has replaced', async () => {
    await migrated.pool.query('UPDATE tolld.migrations SET checksum = $1 WHERE number = 5', [
      'e5982b71cb9ed56235cfb41b91d8a8696f340bbb4d38592979956424b6d614bc',
    ]);
    expect(await migrate({ url: migrated.url })).toMatchObject({ applied: [] });
  });

  test('undoes all of a file that fails, and names the place', async () => {
    const known = (await readMigrations()).length;
    await writeFile(
      path.join(folder, `${String(known + 1).padStart(4, '0')}-broken.sql`),
      'CREATE TABLE tolld.half_done (x int);\nSELECT nonsense;\n',
    );
    await expect(migrate({ url: other.url, directory })).rejects.toThrow(
      /-broken\.sql failed and was undone: column "nonsense" does not exist \(at character/,
    );
    const { rows } = await other.pool.query(
      `SELECT to_regclass('tolld.half_done') AS table, max(number) AS number FROM tolld.migrations`,
    );
    expect(rows).toEqual([{ table: null, number: known }]);
  });

  test('refuses a gap in the numbers', async () => {
    await writeFile(path.join(folder, '0099-late.sql'), 'SELECT 1;\n');
    await expect(migrate({ url: other.url, directory })).rejects.toThrow(/numbered from 0001/);
  });

  test('tells an older version what it does not know, and lets it run', async () => {
    await migrated.pool.query(
      `INSERT INTO tolld.migrations VALUES (99, 'of-tomorrow', 'x', now(), 0)`,
    );
    const report = await migrate({ url: migrated.url });
    expect(report).toMatchObject({ newer: [99], current: 99 });
    await migrated.pool.query('DELETE FROM tolld.migrations WHERE number = 99');
  });
});
