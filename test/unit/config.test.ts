import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError, loadConfig, maskUrl, printable } from '../../src/config.js';
import { describeSettings } from '../../src/settings.js';

const directory = mkdtempSync(path.join(tmpdir(), 'tolld-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

function fileWith(content: string): string {
  const file = path.join(directory, `${Math.random().toString(36).slice(2)}.yaml`);
  writeFileSync(file, content);
  return file;
}

function faultsOf(request: Parameters<typeof loadConfig>[0]): readonly string[] {
  try {
    loadConfig(request);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('the configuration', () => {
  test('is complete without a file and without an environment', () => {
    const { config, sources } = loadConfig({ environment: {} });
    expect(config.redis.keyPrefix).toBe('tolld');
    expect(config.engine.durability).toBe('strict');
    expect(sources.get('redis.url')).toBe('default');
  });

  test('every default passes its own check', () => {
    for (const setting of describeSettings()) {
      expect(setting.schema.safeParse(setting.fallback).success, setting.path).toBe(true);
    }
  });

  test('the environment goes before the file, and the file before the default', () => {
    const file = fileWith('engine:\n  partitions: 16\n  requestTimeoutMs: 3000\n');
    const { config, sources } = loadConfig({
      environment: { TOLLD_ENGINE_PARTITIONS: '8' },
      file,
    });
    expect(config.engine.partitions).toBe(8);
    expect(config.engine.requestTimeoutMs).toBe(3000);
    expect(sources.get('engine.partitions')).toBe('TOLLD_ENGINE_PARTITIONS');
    expect(sources.get('engine.requestTimeoutMs')).toBe(file);
  });

  test('a file is named by TOLLD_CONFIG too, and may be JSON', () => {
    const file = fileWith('{"node": {"name": "berlin-1"}}');
    expect(loadConfig({ environment: { TOLLD_CONFIG: file } }).config.node.name).toBe('berlin-1');
  });

  test('the usual names of Redis and Postgres URLs are understood, ours first', () => {
    const { config } = loadConfig({
      environment: {
        REDIS_URL: 'redis://a:1',
        TOLLD_REDIS_URL: 'redis://b:2',
        DATABASE_URL: 'postgres://c:3/d',
      },
    });
    expect(config.redis.url).toBe('redis://b:2');
    expect(config.postgres.url).toBe('postgres://c:3/d');
  });

  test('an empty variable counts as not set', () => {
    const { config } = loadConfig({ environment: { TOLLD_LOG_LEVEL: '' } });
    expect(config.log.level).toBe('info');
  });

  test('the Diameter identity is made from the node name unless it is given', () => {
    const named = { TOLLD_NODE_NAME: 'Berlin-1', TOLLD_DIAMETER_ORIGIN_REALM: 'ocs.example.net' };
    expect(loadConfig({ environment: named }).config.diameter.originHost).toBe(
      'berlin-1.ocs.example.net',
    );
    const given = { ...named, TOLLD_DIAMETER_ORIGIN_HOST: 'ocs.example.net' };
    expect(loadConfig({ environment: given }).config.diameter.originHost).toBe('ocs.example.net');
  });

  test('cannot be changed', () => {
    const { config } = loadConfig({ environment: {} });
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.values(config).every((group) => Object.isFrozen(group))).toBe(true);
  });
});

describe('a wrong configuration', () => {
  test('is refused with every fault at once, each with its name and remedy', () => {
    const file = fileWith('flusher:\n  leaseMs: soon\nsweeper:\n  intervalMs: 1.5\n');
    const faults = faultsOf({
      environment: { TOLLD_ENGINE_PARTITIONS: '0', TOLLD_LOG_LEVEL: 'loud' },
      file,
    });
    expect(faults).toEqual([
      'TOLLD_LOG_LEVEL is "loud", but must be one of trace, debug, info, warn, error, fatal, silent',
      'TOLLD_ENGINE_PARTITIONS is "0", but must be a whole number from 1 to 16384',
      `sweeper.intervalMs in ${file} is 1.5, but must be a whole number from 10 to 600000`,
      `flusher.leaseMs in ${file} is "soon", but must be a whole number from 100 to 600000`,
    ]);
  });

  test.each([
    ['TOLLD_REDIS_KEYPREFIX', 'TOLLD_REDIS_KEY_PREFIX'],
    ['TOLLD_ENGINE_PARTITION', 'TOLLD_ENGINE_PARTITIONS'],
  ])('names the setting that %s was meant to be', (wrong, right) => {
    expect(faultsOf({ environment: { [wrong]: 'x' } })).toEqual([
      `${wrong} is no setting: did you mean ${right}?`,
    ]);
  });

  test('names an unknown setting of the file, and a value where a group belongs', () => {
    const file = fileWith('redis:\n  urll: x\nengine: 5\n');
    expect(faultsOf({ environment: {}, file })).toEqual([
      `redis.urll in ${file} is no setting: did you mean redis.url?`,
      `engine in ${file} is no setting; \`tolld config\` lists them all`,
    ]);
  });

  test('names a file that is missing or no YAML', () => {
    expect(faultsOf({ environment: {}, file: '/nonexistent/t.yaml' })[0]).toContain(
      "/nonexistent/t.yaml can't be read",
    );
    expect(faultsOf({ environment: {}, file: fileWith('a: [') })[0]).toContain("can't be read");
    expect(faultsOf({ environment: {}, file: fileWith('- a\n') })[0]).toContain('groups');
  });

  test('never shows the value of a URL, which may hold a password', () => {
    const faults = faultsOf({ environment: { REDIS_URL: 'http://u:hunter2@h' } });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain('must be a URL that begins with redis:// or rediss://');
    expect(faults[0]).not.toContain('hunter2');
  });

  test.each([
    [
      { TOLLD_REDIS_COMMAND_TIMEOUT_MS: '2000', TOLLD_ENGINE_REQUEST_TIMEOUT_MS: '2000' },
      'must be less than',
    ],
    [{ TOLLD_FLUSHER_LEASE_MS: '200', TOLLD_FLUSHER_INTERVAL_MS: '100' }, 'three times'],
    [
      { TOLLD_DIAMETER_LISTEN_PORT: '4000', TOLLD_OPERATIONS_LISTEN_PORT: '4000' },
      'give each its own',
    ],
    [{ TOLLD_TLS_KEY_FILE: '/etc/tolld/key.pem' }, 'set all three, or none'],
  ])('is refused when settings contradict each other: %j', (environment, reason) => {
    const faults = faultsOf({ environment });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(reason);
  });

  test.each(['1e3', '0x10', '-1', '1.0', ' ', 'NaN'])('does not take %j for a number', (text) => {
    expect(faultsOf({ environment: { TOLLD_SWEEPER_BATCH_MAX: text } })).toHaveLength(1);
  });
});

describe('the printed configuration', () => {
  test('has every setting with its source, and no password', () => {
    const loaded = loadConfig({
      environment: {
        REDIS_URL: 'redis://user:hunter2@h:1/0',
        DATABASE_URL: 'postgres://u@h/d?password=hunter2',
      },
    });
    const lines = printable(loaded);
    expect(lines.map((line) => line.path)).toEqual(describeSettings().map(({ path: at }) => at));
    expect(JSON.stringify(lines)).not.toContain('hunter2');
    expect(lines.find((line) => line.path === 'redis.url')).toEqual({
      path: 'redis.url',
      value: 'redis://user:***@h:1/0',
      source: 'REDIS_URL',
    });
  });

  test('hides what is no URL whole', () => {
    expect(maskUrl('hunter2')).toBe('[secret]');
  });
});

test('every duration names its unit', () => {
  const unnamed = describeSettings().filter(
    ({ name, meaning }) =>
      /timeout|interval|lease|grace/i.test(`${name} ${meaning.split(' ')[0] ?? ''}`) &&
      !/(Ms|Seconds)$/.test(name),
  );
  expect(unnamed.map(({ path: at }) => at)).toEqual([]);
});

describe('keys of secrets', () => {
  const environment = { TOLLD_SECRETS_KEYS: 'a-newer-key-of-ours, an-older-key-of-ours' };

  test('are read newest first, and never shown', () => {
    const loaded = loadConfig({ environment });
    expect(loaded.config.secrets.keys).toEqual(['a-newer-key-of-ours', 'an-older-key-of-ours']);
    expect(JSON.stringify(printable(loaded))).not.toContain('key-of-ours');
  });

  test('that are too short are refused without being shown', () => {
    const faults = faultsOf({ environment: { TOLLD_SECRETS_KEYS: 'hunter2' } });
    expect(faults).toEqual([
      'TOLLD_SECRETS_KEYS is a value not shown here, but must be secrets of at least 16 ' +
        'characters, newest first, with commas between them',
    ]);
  });
});
