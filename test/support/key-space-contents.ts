/** What scripts leave behind in a key space, opened, so that two ways of charging can be compared. */
import type { Engine } from '../../src/charging/engine.js';
import * as layout from '../../src/charging/generated/layout.js';
import { unpackBytes, type Unpacked } from '../../src/charging/packing.js';
import {
  readLuaFile,
  readScripts,
  scriptsOf,
  type LuaReader,
  type Scripts,
} from '../../src/charging/script-loader.js';

/** Where {@link countingCall} counts, in the server that all key spaces share. */
export const PLAIN_COUNT = 'plain';

/** The short way of a charge, as its script calls it. */
export const PLAIN_CHARGE = 'charge_plainly(keys, args)';

/** A call of a short way that counts how often it answered, in a key of nobody else who runs meanwhile. */
export function countingCall(call: string, counter = PLAIN_COUNT): string {
  return `(function() local reply = ${call} if reply then redis.call('INCR', '${counter}') end return reply end)() or`;
}

/**
 * The scripts with something else in the place of a text, under names of their own.
 * @param read for tests that put something else into them, too
 */
export function scriptsWith(
  name: string,
  text: string,
  instead: string,
  read: LuaReader = readLuaFile,
): Scripts {
  // Read in a way of its own, so that nobody else's change of the scripts is in it.
  const { library } = readScripts(read);
  if (!library.source.includes(text)) throw new Error(`the scripts have no "${text}"`);
  const source = library.source.replace(text, instead).replaceAll(library.name, name);
  return scriptsOf({ name, source });
}

/** What a packed value says, whatever widths its numbers have. */
function said(packed: Buffer | undefined): Unpacked[] {
  return unpackBytes(packed ?? Buffer.alloc(0)) as Unpacked[];
}

/** An account without its slack: the short way counts it down, the whole one works it out. */
function accountOf(packed: Buffer): Unpacked[] {
  const fields = said(packed).with(layout.ACCOUNT_SLACK - 1, null);
  const buckets = fields[layout.ACCOUNT_BUCKETS - 1] as Unpacked[];
  const opened = buckets.map((value, at) => (at % 3 === 2 ? said(value as Buffer) : value));
  return fields.with(layout.ACCOUNT_BUCKETS - 1, opened);
}

/** A session with its fields opened. */
function sessionOf(fields: Readonly<Record<string, Buffer>>): Record<string, unknown> {
  const values = Object.entries(fields).map(([name, value]): [string, unknown] => {
    if (name === 'h' || name === 'r' || name.startsWith('s:')) return [name, said(value)];
    if (!/^a\d$/.test(name)) return [name, value];
    const [number, fingerprint, answer] = said(value);
    return [name, [number, fingerprint, said(answer as Buffer)]];
  });
  return Object.fromEntries(values);
}

/** Live sessions of an account: those that fell silent count no more, dropped or not. */
function accessOf(packed: Buffer, now: number): Unpacked[] {
  const access = said(packed);
  const sessions = access[layout.ACCESS_SESSIONS - 1] as Unpacked[][];
  return access.with(
    layout.ACCESS_SESSIONS - 1,
    sessions.filter((live) => Number(live[layout.LIVE_UNTIL - 1]) > now),
  );
}

/** Everything in a key space, by the rest of each key's name, at a moment. */
export async function keySpaceContents(
  { redis, keys }: Engine,
  now = 0,
): Promise<Record<string, unknown>> {
  const prefix = keys.meta.replace(/meta$/, '');
  const found = await redis.keys(`${prefix}*`);
  const read = async (key: string): Promise<unknown> => {
    switch (await redis.type(key)) {
      case 'hash': {
        const fields = await redis.hgetallBuffer(key);
        return key.includes(':session:') ? sessionOf(fields) : fields;
      }
      case 'stream':
        return (await redis.xrangeBuffer(key, '-', '+')).map(([id, fields]) => [
          id,
          said(fields[1]),
          fields[3],
        ]);
      case 'zset':
        return redis.zrange(key, 0, '-1', 'WITHSCORES');
      default: {
        const value = (await redis.getBuffer(key)) ?? Buffer.alloc(0);
        if (key.includes(':access:')) return accessOf(value, now);
        if (key.includes(':answer:')) return said(value);
        return key.includes(':account:') ? accountOf(value) : value;
      }
    }
  };
  const values = await Promise.all(found.toSorted().map(read));
  return Object.fromEntries(
    found.toSorted().map((key, index) => [key.slice(prefix.length), values[index]]),
  );
}
