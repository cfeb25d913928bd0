import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { main } from '../../../src/main.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';

const EXAMPLE = 'examples/operator.yaml';
/** Nothing listens there. */
const NO_REDIS = 'redis://127.0.0.1:1';
const database = testDatabase();
const redis = testRedis();
const directory = mkdtempSync(path.join(tmpdir(), 'tolld-load-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function run(args: readonly string[], redisUrl = redis.url) {
  const out: string[] = [];
  const notes: string[] = [];
  const exitCode = await main(args, {
    terminal: { out: (line) => out.push(line), note: (line) => notes.push(line) },
    environment: {
      TOLLD_POSTGRES_URL: database.url,
      TOLLD_REDIS_URL: redisUrl,
      TOLLD_REDIS_KEY_PREFIX: redis.prefix,
      TOLLD_ENGINE_PARTITIONS: '4',
    },
  });
  return { exitCode, out, notes: notes.join('\n') };
}

async function countAccounts(): Promise<number> {
  const { rows } = await database.pool.query<{ count: string }>(
    'SELECT count(*) FROM tolld.accounts',
  );
  return Number(rows[0]?.count);
}

describe('tolld load', () => {
  test('says what to do first where nobody has opened the installation', async () => {
    const { exitCode, notes } = await run(['load', EXAMPLE], NO_REDIS);
    expect(exitCode).toBe(1);
    expect(notes).toContain('run `tolld serve` once');
    expect(await countAccounts()).toBe(0);
  });

  test('shows what would change, and changes nothing, for a dry run', async () => {
    const { exitCode, out } = await run(['load', EXAMPLE, '--dry-run']);
    expect(exitCode).toBe(0);
    expect(out.some((line) => line.startsWith('+ account'))).toBe(true);
    expect(out.join('\n')).toMatch(/\+ bucket +demo\/alice\/main +grants 20 EUR/);
    expect(out.at(-1)).toMatch(/would be made; nothing was written/);
    expect(await countAccounts()).toBe(0);
    expect(await redis.client.keys(`${redis.prefix}:*`)).toEqual([]);
  });

  test('opens the installation, loads the file and brings it to Redis', async () => {
    const { exitCode, out } = await run(['load', EXAMPLE]);
    expect(out.at(-1)).toMatch(/^\d+ changes loaded, configuration 1\.$/);
    expect(exitCode).toBe(0);
    expect(await countAccounts()).toBe(4);
    const profile = await redis.client.get(`${redis.prefix}:id:default:e164:491700000001`);
    expect(JSON.parse(profile ?? '{}')).toMatchObject({ accountId: 'alice', tariff: 'standard' });
    expect(await redis.client.get(`${redis.prefix}:config`)).toContain('demo-gateway');
  });

  test('has nothing to do the second time', async () => {
    const { out } = await run(['load', EXAMPLE]);
    expect(out).toEqual([
      '= unchanged: tenant 1, resource 1, tariff 1, plan 1, account 4, bucket 9, subscriber 4, ' +
        'identity 8, sharing group 1, member 1, diameter peer 1',
      'Nothing to change: all of it is there.',
    ]);
  });

  test('writes without Redis too, and says that a daemon will bring it over', async () => {
    const file = path.join(directory, 'more.yaml');
    writeFileSync(file, 'version: 1\ntenants: [{ code: demo, accounts: [{ id: dave }] }]\n');
    const { exitCode, out } = await run(['load', file], NO_REDIS);
    expect(exitCode).toBe(0);
    expect(out.join('\n')).toContain("Redis can't be reached: everything is written");
    expect(await countAccounts()).toBe(5);
  });

  test('prints JSON for programs', async () => {
    const { out } = await run(['load', EXAMPLE, '--dry-run', '--json']);
    expect(JSON.parse(out.join('\n'))).toMatchObject({ written: false, intents: 0 });
  });

  test('names file, line and remedy of each fault, and loads nothing', async () => {
    const file = path.join(directory, 'wrong.yaml');
    writeFileSync(file, 'version: 1\ntenants:\n  - code: "a b"\n    surprise: 1\n');
    const { exitCode, out, notes } = await run(['load', file]);
    expect(exitCode).toBe(1);
    expect(out).toEqual([]);
    expect(notes).toContain('nothing was loaded');
    expect(notes).toMatch(/wrong\.yaml:3:\d+: code is "a b"; write letters, digits/);
    expect(notes).toMatch(/wrong\.yaml:4:\d+: "surprise" is no field here; /);
    const json = await run(['load', file, '--json']);
    expect(JSON.parse(json.out.join('\n'))).toMatchObject({
      written: false,
      faults: [{ line: 3 }, { line: 4 }],
    });
  });

  test('says that a file is not there', async () => {
    const { exitCode, notes } = await run(['load', '/nonexistent.yaml']);
    expect(exitCode).toBe(1);
    expect(notes).toContain("/nonexistent.yaml can't be read");
  });
});
