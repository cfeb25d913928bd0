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
  return pools.find(({ ranges }) =>
    ranges.some(
      ({ first, last }) =>
        (addressNumber(first) ?? Infinity) <= number && number <= (addressNumber(last) ?? -1),
    ),
  );
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
