import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  rmdirSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServerProcess } from '../../src/local/server-process.js';
import { testDatabase } from '../support/postgres.js';
import { testRedis } from '../support/redis.js';

const redis = testRedis();
const database = testDatabase({ migrated: false });

/** Laid out as the package is when it is installed; inside the project, so that packages are found. */
let installed: string;

beforeAll(() => {
  mkdirSync('dist', { recursive: true });
  installed = mkdtempSync(path.resolve('dist', 'check-'));
  cpSync('package.json', path.join(installed, 'package.json'));
  cpSync('bin', path.join(installed, 'bin'), { recursive: true });
  const build = ['--import', 'tsx', 'scripts/build.ts', path.join(installed, 'dist')];
  execFileSync(process.execPath, build, { stdio: 'pipe' });
}, 180_000);
afterAll(() => {
  rmSync(installed, { recursive: true });
  if (readdirSync('dist').length === 0) rmdirSync('dist');
});

test('the built program serves, with its scripts and migrations beside it', async () => {
  const settings = [
    `TOLLD_REDIS_URL=${redis.url}`,
    `TOLLD_REDIS_KEY_PREFIX=${redis.prefix}`,
    `TOLLD_POSTGRES_URL=${database.url}`,
    'TOLLD_DIAMETER_LISTEN_HOST=127.0.0.1',
    'TOLLD_DIAMETER_LISTEN_PORT=0',
    'TOLLD_OPERATIONS_LISTEN_PORT=0',
  ];
  const daemon = await startServerProcess({
    name: 'built tolld',
    command: 'env',
    args: [...settings, process.execPath, path.join(installed, 'bin', 'tolld.js'), 'serve'],
    directory: installed,
    user: null,
    readyText: '"msg":"ready"',
    readyTimeoutMs: 30_000,
    stopSignal: 'SIGTERM',
  });
  await daemon.stop();
});

test('the built program uses no package that an installation leaves out', () => {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const built = path.join(installed, 'dist');
  const used = readdirSync(built, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js'))
    .flatMap((file) => [
      ...readFileSync(path.join(built, file), 'utf8').matchAll(/^import .*from '([^.'][^']*)'/gm),
    ])
    .map((match) => match[1] ?? '')
    .filter((name) => !name.startsWith('node:'))
    .map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    );
  expect(used.length).toBeGreaterThan(5);
  expect([...new Set(used)].filter((name) => !(name in dependencies))).toEqual([]);
});
