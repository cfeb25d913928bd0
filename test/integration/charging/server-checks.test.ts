/** What a Redis is refused for, by durability level: a real server, set to one thing after another. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../../../src/charging/engine.js';
import {
  checkServer,
  type DurabilityLevel,
  type ServerFinding,
} from '../../../src/charging/server-checks.js';
import { openEngine } from '../../support/charging-engine.js';
import { startRedis } from '../../support/redis.js';

const FIT: Readonly<Record<string, string>> = {
  appendonly: 'yes',
  appendfsync: 'always',
  'no-appendfsync-on-rewrite': 'no',
  maxmemory: '256mb',
  'maxmemory-policy': 'noeviction',
  'min-replicas-to-write': '0',
};

let engine: Engine;
beforeAll(async () => {
  const own = await startRedis();
  engine = await openEngine({ url: own.url });
});

async function set(settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    await engine.redis.config('SET', name, value);
  }
}
afterEach(() => set(FIT));

const shown = (findings: readonly ServerFinding[]): readonly string[] =>
  findings.map(({ severity, message }) => `${severity}: ${message}`);

type Verdict = 'refuse' | 'warn' | 'accept';

/** Setting, what it is set to, and what strict and relaxed say of it. */
const CASES: readonly (readonly [string, string, Verdict, Verdict])[] = [
  ['appendfsync', 'everysec', 'refuse', 'accept'],
  ['appendfsync', 'no', 'refuse', 'refuse'],
  ['appendonly', 'no', 'refuse', 'refuse'],
  ['no-appendfsync-on-rewrite', 'yes', 'refuse', 'warn'],
  ['maxmemory-policy', 'allkeys-lru', 'refuse', 'refuse'],
  ['maxmemory-policy', 'volatile-ttl', 'refuse', 'refuse'],
  ['maxmemory', '0', 'refuse', 'refuse'],
  ['hash-max-listpack-value', '64', 'warn', 'warn'],
];

describe('a Redis', () => {
  test('that is fit for strict is accepted by strict and relaxed', async () => {
    expect(await checkServer(engine, 'strict')).toEqual([]);
    expect(await checkServer(engine, 'relaxed')).toEqual([]);
  });

  test('without a replica is refused by replicated alone', async () => {
    await set({ 'min-replicas-to-write': '1' });
    expect(shown(await checkServer(engine, 'replicated'))).toEqual([
      'refuse: durability replicated needs a connected replica',
    ]);
  });

  test('that would answer without a replica is warned of by replicated alone', async () => {
    const findings = await checkServer(engine, 'replicated');
    const warnings = findings.filter(({ severity }) => severity === 'warn');
    expect(shown(warnings)).toEqual([expect.stringContaining('min-replicas-to-write is 0')]);
  });

  test.each(CASES)(
    'with %s %s: strict says %s, relaxed %s',
    async (name, value, strict, relaxed) => {
      const before = await engine.redis.config('GET', name);
      await set({ [name]: value });
      const verdicts: readonly (readonly [DurabilityLevel, Verdict])[] = [
        ['strict', strict],
        ['relaxed', relaxed],
      ];
      for (const [level, verdict] of verdicts) {
        const findings = await checkServer(engine, level);
        expect(findings.length, level).toBe(verdict === 'accept' ? 0 : 1);
        for (const { severity, message } of findings) {
          expect(severity, level).toBe(verdict);
          expect(message).toContain(name);
        }
      }
      await set({ [name]: before[1] ?? '' });
    },
  );
});
