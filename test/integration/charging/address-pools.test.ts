import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  HELD,
  holdPool,
  leaseAddress,
  poolOfAddress,
  releaseAddress,
} from '../../../src/charging/address-pools.js';
import type { AddressPool } from '../../../src/domain/access-plan.js';
import { START_MS } from '../../support/charge-requests.js';
import { testEngines } from '../../support/charging-engine.js';

const engines = testEngines();

/** Six addresses in two ranges. */
const POOL: AddressPool = {
  code: 'home',
  ranges: [
    { first: '10.0.0.254', last: '10.0.1.1' },
    { first: '10.9.0.1', last: '10.9.0.2' },
  ],
  restSeconds: 10,
};
const LEASE_MS = 60_000;

type Step =
  | { readonly kind: 'lease'; readonly session: number; readonly waitMs: number }
  | { readonly kind: 'release'; readonly session: number; readonly waitMs: number };

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('lease', 'lease', 'release'),
  session: fc.integer({ min: 1, max: 10 }),
  waitMs: fc.constantFrom(0, 1_000, 9_000, 30_000),
});

describe('a pool', () => {
  it('never has one address in two hands, and turns nobody away while one is free', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const engine = await engines.fresh();
        const held = new Map<string, { address: string; until: number }>();
        const resting = new Map<string, number>();
        let now = START_MS;
        for (const { kind, session, waitMs } of steps) {
          now += waitMs;
          const sessionId = `s${session}`;
          const others = [...held].filter(([id, { until }]) => id !== sessionId && until > now);
          if (kind === 'release') {
            await releaseAddress(engine, { pool: POOL, sessionId, now });
            const had = held.get(sessionId);
            if (had !== undefined) resting.set(had.address, now + POOL.restSeconds * 1000);
            held.delete(sessionId);
            continue;
          }
          const request = { pool: POOL, sessionId, owner: `o${session}`, leaseMs: LEASE_MS, now };
          const address = await leaseAddress(engine, request);
          const rest = [...resting].filter(([, until]) => until > now).length;
          if (address === null) {
            expect(others.length + rest).toBeGreaterThanOrEqual(6);
            continue;
          }
          expect(poolOfAddress([POOL], address)).toBe(POOL);
          expect(others.map(([, one]) => one.address)).not.toContain(address);
          for (const [id, one] of held) if (one.address === address) held.delete(id);
          resting.delete(address);
          held.set(sessionId, { address, until: now + LEASE_MS });
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives a session that asks again what it has, and its subscriber what it had', async () => {
    const engine = await engines.fresh();
    const lease = (sessionId: string, owner: string, now: number) =>
      leaseAddress(engine, { pool: POOL, sessionId, owner, leaseMs: LEASE_MS, now });
    const first = await lease('s1', 'anna', START_MS);
    expect(await lease('s1', 'anna', START_MS + 1)).toBe(first);
    await releaseAddress(engine, { pool: POOL, sessionId: 's1', now: START_MS + 2 });
    expect(await lease('s2', 'ben', START_MS + 3)).not.toBe(first);
    expect(await lease('s3', 'anna', START_MS + 20_000)).toBe(first);
  });

  it('refuses a session the address that another one has', async () => {
    const engine = await engines.fresh();
    const address = await leaseAddress(engine, {
      ...{ pool: POOL, sessionId: 's1', owner: 'anna', leaseMs: LEASE_MS },
      now: START_MS,
    });
    const wanted = { pool: POOL, owner: 'ben', leaseMs: LEASE_MS, address: address ?? '' };
    expect(
      await leaseAddress(engine, { ...wanted, sessionId: 's2', now: START_MS + 1 }),
    ).toBeNull();
    expect(await leaseAddress(engine, { ...wanted, sessionId: 's1', now: START_MS + 1 })).toBe(
      address,
    );
  });

  it('gives nobody an address that it has no more', async () => {
    const engine = await engines.fresh();
    const lease = (pool: AddressPool, sessionId: string, now: number, more = {}) =>
      leaseAddress(engine, { pool, sessionId, owner: sessionId, leaseMs: 10, now, ...more });
    const [first, second] = [
      { ...POOL, ranges: POOL.ranges.slice(0, 1) },
      { ...POOL, ranges: POOL.ranges.slice(1) },
    ];
    expect(await lease(first, 's1', START_MS)).toBe('10.0.0.254');
    // Who has one that is gone gets another, and so does who had one.
    expect(await lease(second, 's1', START_MS + 1)).toBe('10.9.0.1');
    expect(await lease(first, 's2', START_MS + 2)).toBe('10.0.0.255');
    await releaseAddress(engine, { pool: POOL, sessionId: 's2', now: START_MS + 3 });
    expect(await lease(second, 's3', START_MS + 20, { owner: 's2' })).toBe('10.9.0.2');
    // All are over, and those that are gone are taken off the books.
    expect(await lease(second, 's4', START_MS + 90_000)).toMatch(/^10\.9\.0\./);
    expect(await engine.redis.zrange(engine.keys.leases(POOL.code), '0', '-1')).not.toContain(
      String(10 * 2 ** 24 + 254),
    );
    // Below all ranges, or behind one.
    const low = { ...POOL, ranges: [{ first: '9.0.0.1', last: '9.0.0.1' }] };
    expect(await lease(low, 's1', START_MS + 90_001)).toBe('9.0.0.1');
  });

  it('goes on with what a session holds, and has nothing for one that holds none', async () => {
    const engine = await engines.fresh();
    const lease = { pool: POOL, owner: 'anna', leaseMs: LEASE_MS, now: START_MS };
    expect(await leaseAddress(engine, { ...lease, sessionId: 's1', address: HELD })).toBeNull();
    const given = await leaseAddress(engine, { ...lease, sessionId: 's1' });
    expect(await leaseAddress(engine, { ...lease, sessionId: 's1', address: HELD })).toBe(given);
  });

  it('that is held gives out nothing but what its sessions have', async () => {
    const engine = await engines.fresh();
    const lease = (sessionId: string, now: number) =>
      leaseAddress(engine, { pool: POOL, sessionId, owner: sessionId, leaseMs: LEASE_MS, now });
    const had = await lease('s1', START_MS);
    await holdPool(engine, POOL.code, START_MS + 100);
    expect(await lease('s1', START_MS + 1)).toBe(had);
    expect(await lease('s2', START_MS + 1)).toBeNull();
    expect(await lease('s2', START_MS + 100)).not.toBeNull();
  });

  it('lets an address rest before another gets it', async () => {
    const engine = await engines.fresh();
    const small = { ...POOL, ranges: [{ first: '10.0.0.1', last: '10.0.0.1' }] };
    const lease = (sessionId: string, now: number) =>
      leaseAddress(engine, { pool: small, sessionId, owner: sessionId, leaseMs: LEASE_MS, now });
    expect(await lease('s1', START_MS)).toBe('10.0.0.1');
    await releaseAddress(engine, { pool: small, sessionId: 's1', now: START_MS + 1 });
    expect(await lease('s2', START_MS + 10_000)).toBeNull();
    expect(await lease('s2', START_MS + 10_001)).toBe('10.0.0.1');
  });

  it('lets no session give back what another has got meanwhile', async () => {
    const engine = await engines.fresh();
    const small = { ...POOL, ranges: [{ first: '10.0.0.1', last: '10.0.0.1' }] };
    const lease = (sessionId: string, now: number) =>
      leaseAddress(engine, { pool: small, sessionId, owner: sessionId, leaseMs: 10, now });
    expect(await lease('s1', START_MS)).toBe('10.0.0.1');
    // A crash left the pointer of the first one behind.
    expect(await lease('s2', START_MS + 20)).toBe('10.0.0.1');
    const holders = engine.keys.holders(small.code);
    await engine.redis.hset(holders, 's:s1', String(10 * 2 ** 24 + 1));
    await releaseAddress(engine, { pool: small, sessionId: 's1', now: START_MS + 21 });
    expect(await engine.redis.hget(holders, `a:${10 * 2 ** 24 + 1}`)).toBe('s2');
    expect(await lease('s3', START_MS + 22)).toBeNull();
  });
});
