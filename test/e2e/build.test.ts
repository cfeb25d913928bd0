import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
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
