import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rates, Speed } from '../../../../src/domain/access.js';
import {
  formatRateLimit,
  parseRateLimit,
} from '../../../../src/radius/authorization/mikrotik-rate-limit.js';

const MEGA = 1_000_000;
const rates = (up: number, down: number): Rates => ({
  uploadBitsPerSecond: up,
  downloadBitsPerSecond: down,
});
const plain = rates(5 * MEGA, 20 * MEGA);
const burst = {
  rates: rates(8 * MEGA, 30 * MEGA),
  thresholds: rates(4 * MEGA, 15 * MEGA),
  uploadSeconds: 16,
  downloadSeconds: 12,
};

describe('a speed is written as the router reads it, upload first', () => {
  it.each<[string, Speed, string]>([
    ['a rate', plain, '5M/20M'],
    ['kilobits and bits', rates(512_000, 1_500_001), '512k/1500001'],
    ['a burst', { ...plain, burst }, '5M/20M 8M/30M 4M/15M 16/12'],
    [
      'a burst whose threshold is the rate',
      {
        ...plain,
        burst: { rates: burst.rates, uploadSeconds: 10, downloadSeconds: 10 },
      },
      '5M/20M 8M/30M 5M/20M 10/10',
    ],
    ['a priority without a burst', { ...plain, priority: 3 }, '5M/20M 0/0 0/0 0/0 3'],
    [
      'a guaranteed rate, which needs a priority before it',
      { ...plain, guaranteed: rates(MEGA, 2 * MEGA) },
      '5M/20M 0/0 0/0 0/0 8 1M/2M',
    ],
    [
      'everything',
      { ...plain, burst, priority: 8, guaranteed: rates(MEGA, 2 * MEGA) },
      '5M/20M 8M/30M 4M/15M 16/12 8 1M/2M',
    ],
  ])('%s', (_name, speed, text) => {
    expect(formatRateLimit(speed)).toBe(text);
  });
});

describe('a speed that a router would take for something else is refused', () => {
  it.each<[string, Speed]>([
    ['a rate of 0, which means no limit', rates(0, MEGA)],
    ['a negative rate', rates(-1, MEGA)],
    ['half a bit', rates(1.5, MEGA)],
    ['a priority of 9', { ...plain, priority: 9 }],
    ['a priority of 0', { ...plain, priority: 0 }],
    ['a guarantee above the rate', { ...plain, guaranteed: rates(6 * MEGA, MEGA) }],
    ['a burst time of 0', { ...plain, burst: { ...burst, uploadSeconds: 0 } }],
  ])('%s', (_name, speed) => {
    expect(() => formatRateLimit(speed)).toThrow(RangeError);
  });
});

describe('a rate limit is read', () => {
  it.each<[string, Speed]>([
    ['5M', rates(5 * MEGA, 5 * MEGA)],
    ['512k/2M', rates(512_000, 2 * MEGA)],
    ['0/0', rates(0, 0)],
    [
      '5M/20M 8M/30M',
      {
        ...plain,
        burst: {
          rates: burst.rates,
          thresholds: plain,
          uploadSeconds: 1,
          downloadSeconds: 1,
        },
      },
    ],
    ['5M/20M 0/0 0/0 0/0 3', { ...plain, priority: 3 }],
    [
      ' 5M/20M  8M/30M 4M/15M 16/12 8 1M/2M ',
      { ...plain, burst, priority: 8, guaranteed: rates(MEGA, 2 * MEGA) },
    ],
  ])('%s', (text, speed) => {
    expect(parseRateLimit(text)).toEqual({ ok: true, speed });
  });

  it.each([
    ['', ' is no rate: digits, then k or M or nothing'],
    ['fast', 'fast is no rate: digits, then k or M or nothing'],
    ['5G', '5G is no rate: digits, then k or M or nothing'],
    ['5M/6M/7M', '5M/6M/7M has more than two sides'],
    ['5M 8M 4M ten', 'ten is no number of seconds'],
    ['5M 8M 4M 10 9', '9 is no priority from 1 to 8'],
    ['5M 8M 4M 10 8 6M', '6M guarantees more than the rate'],
    ['5M 8M 4M 10 8 1M 1M', 'more than six parts'],
  ])('or what is wrong with %j is said', (text, fault) => {
    expect(parseRateLimit(text)).toEqual({ ok: false, fault });
  });
});

it('what is written is read back', () => {
  const anyRates = fc
    .tuple(fc.integer({ min: 1, max: 4_000_000_000 }), fc.integer({ min: 1, max: 4_000_000_000 }))
    .map(([up, down]) => rates(up, down));
  const anySpeed = fc
    .record({
      base: anyRates,
      burst: fc.option(
        fc.record({
          rates: anyRates,
          thresholds: anyRates,
          uploadSeconds: fc.integer({ min: 1, max: 999 }),
          downloadSeconds: fc.integer({ min: 1, max: 999 }),
        }),
        { nil: undefined },
      ),
      priority: fc.integer({ min: 1, max: 8 }),
    })
    .map(({ base, burst: one, priority }) => ({
      ...base,
      ...(one === undefined ? {} : { burst: one }),
      priority,
      guaranteed: rates(1, 1),
    }));
  fc.assert(
    fc.property(anySpeed, (speed) => {
      expect(parseRateLimit(formatRateLimit(speed))).toEqual({ ok: true, speed });
    }),
  );
});
