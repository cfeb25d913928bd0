import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { formatJson, formatTable } from '../../../src/cli/output.js';
import { main } from '../../../src/main.js';

async function run(args: readonly string[], environment: Record<string, string> = {}) {
  const out: string[] = [];
  const notes: string[] = [];
  const terminal = {
    out: (line: string) => out.push(line),
    note: (line: string) => notes.push(line),
  };
  const exitCode = await main(args, { terminal, environment });
  return { exitCode, out: out.join('\n'), notes: notes.join('\n') };
}

describe('the command line', () => {
  test('prints its version and ends well', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await run(['--version'])).toEqual({ exitCode: 0, out: version, notes: '' });
  });

  test('lists the commands when asked for help', async () => {
    const { exitCode, out } = await run(['--help']);
    expect(exitCode).toBe(0);
    for (const command of ['migrate', 'config']) expect(out).toContain(command);
    expect(out).toContain('Exit codes');
  });

  test.each([['migrate'], ['config']])('%s explains itself', async (command) => {
    const { exitCode, out } = await run([command, '--help']);
    expect(exitCode).toBe(0);
    expect(out).toContain(`Usage: tolld ${command}`);
  });

  test.each([[['bogus']], [['config', '--bogus']], [[]]])(
    'refuses %j as a wrong command line',
    async (args) => {
      const { exitCode, out } = await run(args);
      expect(exitCode).toBe(2);
      expect(out).toBe('');
    },
  );

  test('names every fault of the configuration and ends as for a wrong command line', async () => {
    const { exitCode, notes } = await run(['config'], {
      TOLLD_LOG_LEVEL: 'loud',
      TOLLD_ENGINE_PARTITIONS: 'many',
    });
    expect(exitCode).toBe(2);
    expect(notes).toContain('TOLLD_LOG_LEVEL');
    expect(notes).toContain('TOLLD_ENGINE_PARTITIONS');
  });

  test('says where it looked for a Postgres that does not answer', async () => {
    const { exitCode, notes } = await run(['migrate'], {
      DATABASE_URL: 'postgres://127.0.0.1:1/none',
    });
    expect(exitCode).toBe(1);
    expect(notes).toContain('127.0.0.1:1');
    expect(notes).toContain('tolld config');
  });

  test.each([
    ['a key alone', ['--secret', 'x', '--tls-key', 'key.pem'], /--tls-certificate/],
    ['an end that no session has', ['--secret', 'x', '--expect', 'happily'], /network-not-proven/],
  ])('refuses a simulated router with %s as a wrong command line', async (_, flags, said) => {
    const { exitCode, notes } = await run(['simulate', 'radius', ...flags]);
    expect(exitCode).toBe(2);
    expect(notes).toMatch(said);
  });

  test('says where it looked for a Redis that does not answer, in one line', async () => {
    const { exitCode, notes } = await run(['rejects'], { REDIS_URL: 'redis://127.0.0.1:1' });
    expect(exitCode).toBe(1);
    expect(notes).toMatch(/^tolld: .*ECONNREFUSED 127\.0\.0\.1:1.*`tolld config` shows where it/);
    expect(notes).not.toContain('\n');
  });
});

describe('tolld config', () => {
  test('prints a table for people', async () => {
    const { out } = await run(['config'], { REDIS_URL: 'redis://:hunter2@h:1' });
    expect(out).toMatch(/^redis\.url +redis:\/\/:\*\*\*@h:1 +REDIS_URL$/m);
    expect(out).not.toContain('hunter2');
  });

  test('prints JSON for programs', async () => {
    const { out } = await run(['config', '--json'], { TOLLD_SWEEPER_BATCH_MAX: '7' });
    expect(JSON.parse(out)).toContainEqual({
      path: 'sweeper.batchMax',
      value: 7,
      source: 'TOLLD_SWEEPER_BATCH_MAX',
    });
  });

  test('reads the file that --config names, before or after the command', async () => {
    for (const args of [
      ['--config', '/nonexistent.yaml', 'config'],
      ['config', '--config', '/nonexistent.yaml'],
    ]) {
      const { exitCode, notes } = await run(args);
      expect(exitCode).toBe(2);
      expect(notes).toContain('/nonexistent.yaml');
    }
  });
});

test('a table aligns text to the left and numbers to the right', () => {
  expect(
    formatTable(
      ['bucket', 'left'],
      [
        ['b1', 5],
        ['bonus', 1200],
      ],
    ),
  ).toEqual(['bucket  left', '------  ----', 'b1         5', 'bonus   1200']);
});

test('JSON keeps every digit of a large amount', () => {
  expect(formatJson({ amount: 2n ** 63n })).toContain('"9223372036854775808"');
});
