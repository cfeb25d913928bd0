/** The lease and release scripts: addresses of our own pools, each with one session at a time. */
import type { AddressPool } from '../domain/access-plan.js';
import { bytesOf, callScript, statusOf, type Engine } from './engine.js';
import * as layout from './generated/layout.js';
import { pack } from './packing.js';

export interface LeaseRequest {
  readonly pool: AddressPool;
  readonly sessionId: string;
  /** Whose session it is: gets the address back that it had last, where that is free. */
  readonly owner: string;
  /** The owner is one device: its sessions follow one another. */
  readonly isDevice?: boolean;
  /** From now on; longer than the time after which a silent session is taken for gone. */
  readonly leaseMs: number;
  /** This one and no other, or `held`: the one that the session has already, or none. */
  readonly address?: string;
  /** For tests; the Redis server's clock where absent. */
  readonly now?: number;
}

/** As the address of a lease: the one that the session has. */
export const HELD = 'held';

/**
 * Leases an address, or goes on with the one that the session has.
 * @returns null where there is none, or where somebody else has the one asked for.
 * @throws EngineUnavailableError, EngineOutOfMemoryError
 */
export async function leaseAddress(engine: Engine, request: LeaseRequest): Promise<string | null> {
  const { pool, address } = request;
  const wanted = address === undefined ? null : address === HELD ? 0 : addressNumber(address);
  const reply = await callScript(engine, 'lease', keysOf(engine, pool), [
    pack([
      request.now ?? 0,
      request.sessionId,
      request.owner,
      request.leaseMs,
      wanted ?? false,
      pool.ranges.flatMap(({ first, last }) => [
        addressNumber(first) ?? 0,
        addressNumber(last) ?? 0,
      ]),
      request.isDevice ?? false,
    ]),
  ]);
  if (statusOf(reply) !== layout.REPLY_DONE) return null;
  return addressText(Number(bytesOf(reply, 1).toString('latin1')));
}

/**
 * Gives out no address of a pool until a moment (ms since 1970), but to sessions that have it: who has
 * which is not all known.
 */
export async function holdPool(
  { redis, keys }: Engine,
  pool: string,
  untilMs: number,
): Promise<void> {
  await redis.hset(keys.holders(pool), 'hold', untilMs);
}

/** Gives back what a session holds of a pool. @throws EngineUnavailableError */
export async function releaseAddress(
  engine: Engine,
  { pool, sessionId, now = 0 }: Pick<LeaseRequest, 'pool' | 'sessionId' | 'now'>,
): Promise<void> {
  const args = [String(now), sessionId, String(pool.restSeconds * 1000)];
  await callScript(engine, 'release', keysOf(engine, pool), args);
}

/** Leases that are carried in one round trip. */
const CARRIED_AT_ONCE = 1_000;

/**
 * Carries the leases of addresses that are another pool's by now: whoever has one still has it. What that
 * pool has leased itself stays: while the addresses are its own, or since a moment (ms since 1970). What it
 * says of a time before, when they were its own once, is over.
 */
export async function carryLeases(
  engine: Engine,
  { before, after }: Readonly<Record<'before' | 'after', readonly AddressPool[]>>,
  sinceMs: number,
): Promise<void> {
  for (const from of before) {
    for (const to of after) {
      if (to.code === from.code || !shareAddresses(from, to)) continue;
      const own = before.find(({ code }) => code === to.code);
      await carry(engine, { from, to, own, sinceMs });
    }
  }
}

interface Carrying {
  readonly from: AddressPool;
  readonly to: AddressPool;
  /** The pool that they are carried to as it was before, if it was. */
  readonly own: AddressPool | undefined;
  readonly sinceMs: number;
}

async function carry(engine: Engine, { from, to, own, sinceMs }: Carrying): Promise<void> {
  const { redis } = engine;
  const [fromLeases = '', fromHolders = ''] = keysOf(engine, from);
  const [leasesKey = '', holdersKey = ''] = keysOf(engine, to);
  const now = Date.now();
  const running = await redis.zrangebyscore(fromLeases, now, '+inf', 'WITHSCORES');
  const leases = running.flatMap((address, index) =>
    index % 2 === 0 && has(to, Number(address))
      ? [{ address, until: running[index + 1] ?? '0' }]
      : [],
  );
  while (leases.length > 0) {
    const some = leases.splice(0, CARRIED_AT_ONCE);
    const addresses = some.map(({ address }) => address);
    const fields = addresses.map((address) => `a:${address}`);
    const [sessions, holders, scores] = await Promise.all([
      redis.hmget(fromHolders, ...fields),
      redis.hmget(holdersKey, ...fields),
      redis.zmscore(leasesKey, ...addresses),
    ]);
    const pipeline = redis.pipeline();
    for (const [index, { address, until }] of some.entries()) {
      const [sessionId, holder] = [sessions[index], holders[index]];
      const leasedUntil = Number(scores[index] ?? -Infinity);
      const isOwn = own !== undefined && has(own, Number(address));
      if (sessionId && sessionId === holder) {
        pipeline.zadd(leasesKey, 'GT', until, address);
      } else if (leasedUntil <= (isOwn ? now : sinceMs)) {
        pipeline.zadd(leasesKey, until, address);
        pipeline.hdel(holdersKey, `a:${address}`, `w:${address}`);
        if (holder) pipeline.hdel(holdersKey, `s:${holder}`);
        // One that rests is nobody's.
        if (!sessionId) continue;
        pipeline.hset(holdersKey, `a:${address}`, sessionId);
        pipeline.hset(holdersKey, `s:${sessionId}`, address);
      }
    }
    const failed = (await pipeline.exec())?.find(([error]) => error !== null)?.[0];
    if (failed) throw failed;
  }
}

function shareAddresses(one: AddressPool, other: AddressPool): boolean {
  return one.ranges.some(({ first, last }) =>
    other.ranges.some(
      (range) =>
        (addressNumber(range.first) ?? Infinity) <= (addressNumber(last) ?? -1) &&
        (addressNumber(first) ?? Infinity) <= (addressNumber(range.last) ?? -1),
    ),
  );
}

function has({ ranges }: AddressPool, address: number): boolean {
  return ranges.some(
    ({ first, last }) =>
      (addressNumber(first) ?? Infinity) <= address && address <= (addressNumber(last) ?? -1),
  );
}

/** A session's address of a pool, and who else the pool takes for its holder. */
export interface HeldAddress {
  readonly sessionId: string;
  readonly address: string;
  /** Null where nobody is said to have the address: the pool has it no more. */
  readonly holder: string | null;
  /** Whether there is a lease of it, be it over. */
  readonly isLeased: boolean;
}

const HOLDERS_AT_ONCE = 200;

/** Every session that has an address of a pool; what is said of one address is of one moment. */
export async function readHeldAddresses(
  { redis, keys }: Engine,
  pool: string,
): Promise<readonly HeldAddress[]> {
  const key = keys.holders(pool);
  const held: HeldAddress[] = [];
  let cursor = '0';
  do {
    const [next, found] = await redis.hscan(key, cursor, 'MATCH', 's:*', 'COUNT', HOLDERS_AT_ONCE);
    const fields = found.filter((_, index) => index % 2 === 0);
    const numbers = found.filter((_, index) => index % 2 === 1);
    cursor = next;
    if (fields.length === 0) continue;
    const replies = await redis
      .multi()
      .hmget(key, ...fields, ...numbers.map((number) => `a:${number}`))
      .zmscore(keys.leases(pool), ...numbers)
      .exec();
    const [names, scores] = (replies ?? []).map(([error, reply]) => {
      if (error !== null) throw error;
      return reply as readonly (string | number | null)[];
    });
    held.push(
      ...fields.flatMap((field, at) => {
        // It has gone on meanwhile to another address, or to none.
        if (names?.[at] !== numbers[at]) return [];
        const holder = names?.[fields.length + at] ?? null;
        return [
          {
            sessionId: field.slice('s:'.length),
            address: addressText(Number(numbers[at])),
            holder: holder === null ? null : String(holder),
            isLeased: (scores?.[at] ?? null) !== null,
          },
        ];
      }),
    );
  } while (cursor !== '0');
  return held;
}

function keysOf({ keys }: Engine, { code }: AddressPool): readonly string[] {
  return [keys.leases(code), keys.holders(code)];
}

/** The pool that an address belongs to. */
export function poolOfAddress(
  pools: readonly AddressPool[],
  address: string,
): AddressPool | undefined {
  const number = addressNumber(address);
  if (number === null) return undefined;
  return pools.find((pool) => has(pool, number));
}

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

function addressNumber(address: string): number | null {
  const octets = IPV4.exec(address)?.slice(1).map(Number);
  if (octets === undefined || octets.some((octet) => octet > 255)) return null;
  return octets.reduce((number, octet) => number * 256 + octet, 0);
}

function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
