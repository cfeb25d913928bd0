import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createKeys, partitionOf, partitionOfKey } from '../../../src/charging/keys.js';

const keys = createKeys('tolld');

describe('the keys of a partition', () => {
  const names = [
    keys.control(7),
    keys.account(7, 'a'),
    keys.session(7, 's'),
    keys.timers(7),
    keys.outbox(7),
  ];

  it('have one hash tag, so that a script finds them in one cluster slot', () => {
    for (const name of names) expect(name).toContain(':{p7}:');
  });

  it('are all different', () => {
    expect(new Set(names).size).toBe(names.length);
  });

  it('stay in their slot whatever the identifiers of the network hold', () => {
    const hostile = '}{x}:{p9}:account';
    for (const name of [keys.session(7, hostile), keys.account(7, hostile)]) {
      // Redis hashes what stands between the first { and the } behind it.
      expect(/\{([^}]*)\}/.exec(name)?.[1]).toBe('p7');
    }
  });
});

it('every kind of key is in schema/redis.md', () => {
  const document = readFileSync(
    path.resolve(import.meta.dirname, '../../../schema/redis.md'),
    'utf8',
  );
  const documented = [...document.matchAll(/^\| `<prefix>:([^`]+)`/gm)].map(([, name = '']) =>
    name.replace(/<[^>]+>/g, 'X'),
  );
  const identity = { kind: 'X', value: 'X' } as never;
  const built = [
    keys.meta,
    keys.config,
    keys.nodes,
    keys.identity('X', identity),
    keys.route('X'),
    keys.control(0),
    keys.account(0, 'X'),
    keys.aside(0, 'X', 'X' as never),
    keys.session(0, 'X'),
    keys.timers(0),
    keys.outbox(0),
    keys.waited(keys.control(0)),
    keys.reach,
    keys.steer(0),
    keys.tasks(0),
    keys.access(0, 'X'),
    keys.answer(0, 'X'),
    keys.nasSessions(0, 'X'),
    keys.leases('X'),
    keys.holders('X'),
    keys.failures('X'),
    keys.rejects,
    keys.boots,
    keys.authenticators,
    keys.originStates,
  ].map((name) => name.slice('tolld:'.length).replace('{p0}', '{pN}'));
  expect(built.toSorted()).toEqual(documented.toSorted());
});

it.each([
  [keys.account(0, 'a'), 0],
  [keys.session(7, '{p9}'), 7],
  [keys.outbox(4095), 4095],
  [keys.leases('p5'), 0],
  [keys.config, 0],
])('the key %s lies in partition %i', (key, partition) => {
  expect(partitionOfKey(key)).toBe(partition);
});

it('accounts spread over the partitions, always the same way', () => {
  const counts = new Array<number>(64).fill(0);
  for (let index = 0; index < 64_000; index += 1) {
    const partition = partitionOf(`account-${index}`, 64);
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(800);
  expect(Math.max(...counts)).toBeLessThan(1200);
  expect(partitionOf('account-1', 64)).toBe(partitionOf('account-1', 64));
  expect(partitionOf('account-1', 1)).toBe(0);
});
