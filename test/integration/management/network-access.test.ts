/** NAS, access plans and subscribers' credentials on their way from a file to Redis. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { StoredCredential } from '../../../src/domain/access-profile.js';
import { OperatorFileError } from '../../../src/management/operator-file/reading/file-fault.js';
import { declaredClients } from '../../../src/radius/declared-clients.js';
import { createNasRegistry } from '../../../src/radius/nas-clients.js';
import { compileCatalog, type Catalog } from '../../../src/rating/catalog.js';
import { createSecretBox, SECRET_USES, type SecretBox } from '../../../src/secret-box.js';
import { KEYS, testManagement } from './fixture.js';

const { engine, load, newSynchroniser, configuration, pool, profile } = testManagement();
const ISP = readFileSync('examples/isp.yaml', 'utf8');
const SECRETS = ['change-me-before-use-1', 'change-me-too', 'a later secret of tower'];

async function published() {
  await newSynchroniser().runOnce();
  const found = await configuration();
  return compileCatalog(found?.version ?? 0, JSON.parse(found?.document ?? '{}') as Catalog);
}

function clientsOf(catalog: Awaited<ReturnType<typeof published>>, box: SecretBox) {
  return declaredClients(catalog.nas, (nas, sealed) => box.open(SECRET_USES.nas(nas), sealed));
}

/** Every text that Redis holds; what it packs of accounts carries no secret. */
async function wholeRedis(): Promise<string> {
  const prefix = engine.keys.config.split(':')[0] ?? '';
  const keys = await engine.redis.keys(`${prefix}*`);
  const types = await Promise.all(keys.map((key) => engine.redis.type(key)));
  const texts = await engine.redis.mget(keys.filter((_, index) => types[index] === 'string'));
  expect(texts.length).toBeGreaterThan(3);
  return texts.join('\n');
}

async function wholeRecord(): Promise<string> {
  const tables = ['nas', 'access_plans', 'address_pools', 'subscriptions', 'config_versions'];
  const rows = await Promise.all(
    tables.map((table) => pool.query<{ t: string }>(`SELECT t::text FROM tolld.${table} t`)),
  );
  return JSON.stringify(rows.map((result) => result.rows));
}

describe('the example of an internet provider', () => {
  test('is refused without a key to seal its secrets with', async () => {
    const refused = await load(ISP, { keys: [] }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OperatorFileError);
    expect(String(refused)).toContain('there is no key to seal secrets with');
    for (const secret of SECRETS) expect(String(refused)).not.toContain(secret);
  });

  test('reaches every process, and no secret in clear form anywhere else', async () => {
    const report = await load(ISP);
    const catalog = await published();
    expect(catalog.accessPlan('isp', 'home-50')).toMatchObject({
      speed: {
        uploadBitsPerSecond: 10_000_000,
        downloadBitsPerSecond: 50_000_000,
        burst: { thresholds: { uploadBitsPerSecond: 8_000_000 }, uploadSeconds: 8 },
      },
      services: { pppoe: { address: { kind: 'pool', code: 'homes' } } },
      fairUse: [{ id: 'half', octets: 300e9 }, { id: 'slow' }],
      ladder: [{ kind: 'speed' }, { kind: 'garden' }, { kind: 'disconnect' }],
      garden: { addressList: 'walled-garden', sessionSecondsMax: 1_800 },
      noCredit: 'garden',
    });
    expect(catalog.addressPools).toContainEqual({
      code: 'homes',
      ranges: [{ first: '100.64.0.1', last: '100.64.3.254' }],
      restSeconds: 600,
    });
    const { clients, faults } = clientsOf(catalog, createSecretBox(KEYS));
    expect(faults).toEqual([]);
    expect(clients).toMatchObject([
      {
        name: 'tower-1',
        secrets: ['change-me-before-use-1'],
        dynamicAuthorization: { address: '192.0.2.10', port: 3799 },
      },
    ]);
    const texts = [await wholeRedis(), await wholeRecord(), JSON.stringify(report)];
    for (const secret of SECRETS) {
      for (const text of texts) expect(text).not.toContain(secret);
    }
  });

  test('gives each way to come in with the profile, its credential sealed', async () => {
    const anna = await profile('anna@isp.example', 'user-name');
    expect(anna?.access).toMatchObject({ plan: 'home-50', nas: ['tower-1'] });
    const box = createSecretBox(KEYS);
    const credential = anna?.access?.credential as StoredCredential & { kind: 'clear' };
    expect(box.open(SECRET_USES.subscriber('home-1'), credential.password)).toBe('change-me-too');
    // What was sealed for one subscriber proves nothing of another.
    expect(() => box.open(SECRET_USES.subscriber('printer'), credential.password)).toThrow();
    const printer = await profile('02:00:5E:10:00:01', 'mac');
    expect(printer?.access?.credential).toEqual({ kind: 'station', password: null });
  });
});

describe('rotating the secret of a NAS', () => {
  const box = createSecretBox(KEYS);

  async function secretsAfter(fields: string): Promise<readonly string[]> {
    await load(ISP.replace(/secret: change-me-before-use-1.*/, fields));
    const { clients } = clientsOf(await published(), box);
    createNasRegistry(clients);
    return clients[0]?.secrets ?? [];
  }

  test('has both in force while the router changes, then the new one alone', async () => {
    expect(
      await secretsAfter(
        'secret: a later secret of tower\n    oldSecret: change-me-before-use-1\n',
      ),
    ).toEqual(['a later secret of tower', 'change-me-before-use-1']);
    expect(await secretsAfter('secret: a later secret of tower')).toEqual([
      'a later secret of tower',
    ]);
  });
});

describe('a new key', () => {
  test('opens what the old one sealed, and seals it anew when the file is loaded again', async () => {
    await load(ISP);
    const keys = ['the key of next year', ...KEYS];
    expect(clientsOf(await published(), createSecretBox(keys)).faults).toEqual([]);
    const { changes, notes } = await load(ISP, { keys });
    const changed = changes.filter(({ action }) => action !== 'unchanged');
    expect(changed.map(({ kind, name, details }) => [kind, name, ...details])).toEqual([
      ['nas', 'tower-1', 'secret: replaced'],
      ['subscriber', 'isp/home-1', 'credential: replaced'],
      ['subscriber', 'isp/voucher-1', 'credential: replaced'],
    ]);
    expect(notes).toEqual([]);
    const catalog = await published();
    const onlyNew = createSecretBox(keys.slice(0, 1));
    expect(clientsOf(catalog, onlyNew).clients[0]?.secrets).toEqual(['change-me-before-use-1']);
    // A process without the new key keeps the NAS outside and says why, without the secret.
    const { clients, faults } = clientsOf(catalog, createSecretBox(KEYS));
    expect(clients).toEqual([]);
    expect(String(faults[0]?.error)).toMatch(/nas tower-1: sealed with key/);
  });
});
