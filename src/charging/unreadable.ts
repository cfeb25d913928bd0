/**
 * What stands in Redis and can't be read: octets that no script wrote, or another type under the key.
 * One account or session that is so concerns itself, never its whole partition.
 */
import { AmountRangeError } from '../domain/amounts.js';
import type { Engine } from './engine.js';
import { PackingError, unpackBytes } from './packing.js';

/**
 * Whether what was read is at fault, and not the reading: a value that doesn't unpack to what belongs
 * there, or over which a script stumbled. A refusal by the server for any other reason is none.
 */
export function isUnreadable(error: unknown): boolean {
  if (error instanceof PackingError || error instanceof AmountRangeError) return true;
  if (!(error instanceof Error) || error.name !== 'ReplyError') return false;
  return error.message.startsWith('WRONGTYPE') || error.message.startsWith('ERR user_function:');
}

/** What was read, or null where it can't be. @throws what {@link isUnreadable} is not so of. */
export async function unlessUnreadable<Read>(read: Promise<Read>): Promise<Read | null> {
  try {
    return await read;
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  }
}

/** Whether something stands in an account's place that can't be read. */
export async function isAccountUnreadable(
  { redis, keys }: Engine,
  { partition, accountId }: { readonly partition: number; readonly accountId: string },
): Promise<boolean> {
  const packed = redis.getBuffer(keys.account(partition, accountId));
  const read = packed.then((octets) => octets === null || Array.isArray(unpackBytes(octets)));
  return (await unlessUnreadable(read)) !== true;
}

/**
 * Takes what stands in an account's place out of the way, octet for octet, for a person to look at:
 * beside what was taken there before, and is not looked at yet.
 */
export async function setAside(
  { redis, keys }: Engine,
  { partition, accountId }: { readonly partition: number; readonly accountId: string },
): Promise<void> {
  const place = keys.account(partition, accountId);
  for (let time = 1; ; time += 1) {
    if ((await redis.renamenx(place, keys.aside(partition, accountId, time))) === 1) return;
  }
}
