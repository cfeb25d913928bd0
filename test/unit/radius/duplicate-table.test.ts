import { describe, expect, it } from 'vitest';
import { DuplicateTable, type NewRequest } from '../../../src/radius/duplicate-table.js';

const REPLY = Buffer.from('reply');

function authenticatorOf(fill: number): string {
  return String.fromCharCode(fill).repeat(16);
}

function entry(changes: Partial<NewRequest> = {}): NewRequest {
  return {
    source: '0 192.0.2.1 1024',
    identifier: 7,
    authenticator: authenticatorOf(1),
    client: 'bng-1',
    ...changes,
  };
}

function table(): DuplicateTable {
  return new DuplicateTable({ answeredMs: 5_000, pendingMs: 10_000 });
}

it('knows a request as pending, then as answered with the same octets', () => {
  const known = table();
  expect(known.find(entry(), 0)).toEqual({ kind: 'unknown' });
  const begun = known.begin(entry(), 0);
  expect(known.find(entry(), 1)).toEqual({ kind: 'pending' });
  expect(known.answer(begun, REPLY, 2)).toBe(true);
  expect(known.find(entry(), 3)).toEqual({ kind: 'answered', reply: REPLY });
});

describe('another request is one of', () => {
  it.each<[string, Partial<NewRequest>]>([
    ['another source', { source: '0 192.0.2.1 1025' }],
    ['another identifier', { identifier: 8 }],
    ['another authenticator', { authenticator: authenticatorOf(2) }],
  ])('%s', (_name, changes) => {
    const known = table();
    known.begin(entry(), 0);
    expect(known.find(entry(changes), 1)).toEqual({ kind: 'unknown' });
  });
});

it('forgets a request whose identifier is used again, and its answer comes too late', () => {
  const known = table();
  const first = known.begin(entry(), 0);
  const other = entry({ authenticator: authenticatorOf(2) });
  const second = known.begin(other, 1);
  expect(known.answer(first, REPLY, 2)).toBe(false);
  expect(known.find(entry(), 3)).toEqual({ kind: 'unknown' });
  expect(known.answer(second, REPLY, 4)).toBe(true);
  known.abandon(first);
  expect(known.find(other, 5).kind).toBe('answered');
});

it('counts a request whose identifier is used again until it ends or is given up', () => {
  const known = table();
  const begun = [1, 2, 3].map((fill) =>
    known.begin(entry({ authenticator: authenticatorOf(fill) }), 0),
  );
  expect([known.pending, known.pendingOf('bng-1')]).toEqual([3, 3]);
  if (begun[0] !== undefined) known.answer(begun[0], REPLY, 1);
  expect(known.pendingOf('bng-1')).toBe(2);
  if (begun[1] !== undefined) known.abandon(begun[1]);
  expect(known.pendingOf('bng-1')).toBe(1);
  known.begin(entry({ authenticator: authenticatorOf(4) }), 5_000);
  expect(known.sweep(10_000)).toBe(0);
  expect([known.pending, known.pendingOf('bng-1')]).toEqual([1, 1]);
});

it('takes a resend as new after the request was given up', () => {
  const known = table();
  known.abandon(known.begin(entry(), 0));
  expect(known.find(entry(), 1)).toEqual({ kind: 'unknown' });
  expect(known.pending).toBe(0);
});

it('forgets answers after their time, even before the sweep', () => {
  const known = table();
  known.answer(known.begin(entry(), 0), REPLY, 100);
  expect(known.find(entry(), 5_099).kind).toBe('answered');
  expect(known.find(entry(), 5_100).kind).toBe('unknown');
  expect(known.sweep(5_099)).toBe(0);
  expect(known.sources).toBe(1);
  expect(known.sweep(5_100)).toBe(0);
  expect(known.sources).toBe(0);
});

it('gives up requests that got no answer in time, and counts them', () => {
  const known = table();
  const begun = known.begin(entry(), 0);
  known.begin(entry({ identifier: 8 }), 5_000);
  expect(known.sweep(9_999)).toBe(0);
  expect(known.sweep(10_000)).toBe(1);
  expect(known.pending).toBe(1);
  expect(known.answer(begun, REPLY, 10_001)).toBe(false);
});

it('counts what each client has under way', () => {
  const known = table();
  const one = known.begin(entry(), 0);
  known.begin(entry({ identifier: 8 }), 0);
  const other = known.begin(entry({ identifier: 9, client: 'bng-2' }), 0);
  expect([known.pendingOf('bng-1'), known.pendingOf('bng-2'), known.pending]).toEqual([2, 1, 3]);
  known.answer(one, REPLY, 1);
  known.abandon(other);
  expect([known.pendingOf('bng-1'), known.pendingOf('bng-2'), known.pending]).toEqual([1, 0, 1]);
});

it('keeps nothing of many requests once they are old', () => {
  const known = table();
  for (let n = 0; n < 10_000; n += 1) {
    const begun = known.begin(entry({ source: `s${n % 50}`, identifier: n % 256 }), n);
    if (n % 3 > 0) known.answer(begun, REPLY, n);
  }
  known.sweep(100_000);
  known.sweep(100_000);
  expect([known.sources, known.pending, known.pendingOf('bng-1')]).toEqual([0, 0, 0]);
});
