import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import type {} from '../support/program.js';

test('the built program uses no package that an installation leaves out', () => {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const built = path.resolve(inject('program'), '../../dist');
  const used = readdirSync(built, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js'))
    .flatMap((file) => [
      ...readFileSync(path.join(built, file), 'utf8').matchAll(
        /^(?:import|export|\}) .*\bfrom '([^.'][^']*)'/gm,
      ),
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

test('the built program runs by itself, with a young generation of its own size', async () => {
  const shown = 'data:text/javascript,process.stderr.write(process.execArgv.join())';
  const options = `NODE_OPTIONS=--import=${shown}`;
  const { stdout, stderr } = await promisify(execFile)('env', [
    options,
    inject('program'),
    '--version',
  ]);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(stderr).toBe('--max-semi-space-size=64');
});
