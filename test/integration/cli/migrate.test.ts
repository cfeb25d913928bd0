import { expect, test } from 'vitest';
import { main } from '../../../src/main.js';
import { testDatabase } from '../../support/postgres.js';

const database = testDatabase({ migrated: false });

async function run(args: readonly string[]) {
  const out: string[] = [];
  const terminal = { out: (line: string) => out.push(line), note: () => undefined };
  const exitCode = await main(args, { terminal, environment: { DATABASE_URL: database.url } });
  return { exitCode, out };
}

test('tolld migrate says what is missing, applies it, and has nothing to do the second time', async () => {
  const before = await run(['migrate', '--dry-run', '--json']);
  const { missing } = JSON.parse(before.out.join('\n')) as { missing: string[] };
  expect(missing.length).toBeGreaterThan(0);

  const first = await run(['migrate']);
  expect(first).toMatchObject({ exitCode: 0 });
  expect(first.out[0]).toContain(`${missing.length} applied`);

  expect((await run(['migrate', '--dry-run'])).out).toEqual(['The schema is up to date.']);
  expect((await run(['migrate'])).out[0]).toContain('up to date');
});
