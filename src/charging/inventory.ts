/** Which accounts and sessions Redis holds: for proofs and recovery, never for a request. */
import { EngineReplyError, type Engine } from './engine.js';
import * as layout from './generated/layout.js';
import { PackingError, unpack, unpackFirst, type Unpacked } from './packing.js';
import { mastersOf } from './redis-client.js';
import { asArray, asNumber, asText, asTextOrNull } from './unpacked.js';
import { unlessUnreadable } from './unreadable.js';

/** What a partition holds, by the names of its keys. */
export interface PartitionInventory {
  readonly accountIds: ReadonlySet<string>;
  readonly sessionIds: ReadonlySet<string>;
  /** Accounts of which recovery has set something aside. */
  readonly asideIds: ReadonlySet<string>;
}

export interface Inventory {
  of(partition: number): PartitionInventory;
  readonly partitions: readonly number[];
  /** Codes of the address pools of which addresses were given. */
  readonly pools: readonly string[];
}

/** Who pays for a session, and whose units it may hold besides. */
export interface SessionHolders {
  readonly sessionId: string;
  readonly accountId: string;
  readonly ownerAccountId: string | null;
  /** False for one that has ended and is kept to answer what comes late. */
  readonly isOpen: boolean;
}

const KINDS = { account: 'accountIds', session: 'sessionIds', aside: 'asideIds' } as const;

type Ids = Record<(typeof KINDS)[keyof typeof KINDS], Set<string>>;

const noIds = (): Ids => ({
  accountIds: new Set(),
  sessionIds: new Set(),
  asideIds: new Set(),
});

/** Keys of one answer of SCAN: a fraction of a millisecond of the server. */
const SCAN_COUNT = 1_000;

/**
 * Lists the accounts and sessions of every partition, beside traffic: what stood in Redis all the
 * while is in the list; what came or went meanwhile may be.
 */
export async function takeInventory(engine: Engine): Promise<Inventory> {
  const { keys } = engine;
  const found = new Map<number, Ids>();
  const pools = new Set<string>();
  const prefix = keys.meta.slice(0, -'meta'.length);
  const shape = /^\{p(\d+)\}:(account|session|aside)(?:(?<=aside):\d+)?:(.*)$/s;
  const take = (name: string): void => {
    const pool = /^\{pool-(.*)\}:holders$/.exec(name.slice(prefix.length))?.[1];
    if (pool !== undefined) pools.add(pool);
    const match = shape.exec(name.slice(prefix.length));
    if (match === null) return;
    const [, number, kind, id = ''] = match;
    const partition = Number(number);
    let held = found.get(partition);
    if (held === undefined) {
      held = noIds();
      found.set(partition, held);
    }
    held[KINDS[kind as keyof typeof KINDS]].add(id);
  };
  for (const server of mastersOf(engine.redis)) {
    let cursor = '0';
    do {
      const pattern = `${escapeGlob(prefix)}{p*}:*`;
      const [next, names] = await server.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
      names.forEach(take);
      cursor = next;
    } while (cursor !== '0');
  }
  return {
    of: (partition) => found.get(partition) ?? noIds(),
    partitions: [...found.keys()],
    pools: [...pools],
  };
}

/** A key prefix may hold what SCAN would take for a pattern. */
function escapeGlob(text: string): string {
  return text.replaceAll(/[\\*?[\]]/g, '\\$&');
}

/** The sessions of a partition that a timer watches: every session that Redis holds, but a broken one. */
export async function watchedSessions(
  engine: Engine,
  partition: number,
): Promise<readonly string[]> {
  const members = await engine.redis.zrange(engine.keys.timers(partition), '0', '-1');
  return members.filter((member) => member.startsWith('s:')).map((member) => member.slice(2));
}

/** When timers of a partition go off, ms since 1970, by their members; null for one that is not there. */
export async function readTimers(
  { redis, keys }: Engine,
  partition: number,
  members: readonly string[],
): Promise<ReadonlyMap<string, number | null>> {
  const scores = await redis.zmscore(keys.timers(partition), ...members);
  return new Map(
    members.map((member, at) => {
      const score = scores[at] ?? null;
      return [member, score === null ? null : Number(score)];
    }),
  );
}

/** Headers read in one go. */
const HEADERS_AT_ONCE = 500;

/** Who holds each of the sessions; those that are gone or unreadable are left out. */
export async function holdersOfSessions(
  engine: Engine,
  partition: number,
  sessionIds: readonly string[],
): Promise<readonly SessionHolders[]> {
  return (await readHolders(engine, partition, sessionIds)).holders;
}

/** The same, with those that can't be read. */
export async function readHolders(
  engine: Engine,
  partition: number,
  sessionIds: readonly string[],
): Promise<{
  readonly holders: readonly SessionHolders[];
  readonly unreadable: readonly string[];
}> {
  const holders: SessionHolders[] = [];
  const unreadable: string[] = [];
  for (let from = 0; from < sessionIds.length; from += HEADERS_AT_ONCE) {
    const chunk = sessionIds.slice(from, from + HEADERS_AT_ONCE);
    const found = await Promise.all(
      chunk.map((id) => unlessUnreadable(holdersOf(engine, partition, id))),
    );
    for (const [index, each] of found.entries()) {
      if (each === null) unreadable.push(chunk[index] ?? '');
      else if (each !== 'gone') holders.push(each);
    }
  }
  return { holders, unreadable };
}

async function holdersOf(
  { redis, keys }: Engine,
  partition: number,
  sessionId: string,
): Promise<SessionHolders | 'gone'> {
  const header = await redis.hgetBuffer(keys.session(partition, sessionId), 'h');
  if (header === null) return 'gone';
  const fields = [null, ...asArray(unpack(header))];
  return {
    sessionId,
    accountId: asText(fields[layout.SESSION_ACCOUNT]),
    ownerAccountId: asTextOrNull(fields[layout.SESSION_OWNER] ?? false),
    isOpen: fields[layout.SESSION_STATE] === layout.SESSION_OPEN,
  };
}

/** Octets of an account that hold its number, beside its id. */
const HEADER_OCTETS = 64;

/** The number of each account's last event; accounts that are not there are left out. */
export async function readSequences(
  engine: Engine,
  partition: number,
  accountIds: readonly string[],
): Promise<{
  readonly sequences: ReadonlyMap<string, number>;
  /** Accounts in whose place stands something that can't be read. */
  readonly unreadable: readonly string[];
}> {
  const sequences = new Map<string, number>();
  const unreadable: string[] = [];
  const found = await Promise.all(
    accountIds.map((id) => unlessUnreadable(readSequence(engine, partition, id))),
  );
  for (const [index, sequence] of found.entries()) {
    const accountId = accountIds[index] ?? '';
    if (sequence === null) unreadable.push(accountId);
    else if (sequence !== 'gone') sequences.set(accountId, sequence);
  }
  return { sequences, unreadable };
}

async function readSequence(
  { redis, keys }: Engine,
  partition: number,
  accountId: string,
): Promise<number | 'gone'> {
  const octets = HEADER_OCTETS + Buffer.byteLength(accountId);
  const header = await redis.getrangeBuffer(keys.account(partition, accountId), 0, octets);
  if (header.length === 0) return 'gone';
  // An array of up to 15 has one octet in front, a longer one three.
  const [first = 0] = header;
  if (first !== 0xdc && first >> 4 !== 0x9) throw new PackingError('an array was expected');
  let rest = header.subarray(first === 0xdc ? 3 : 1);
  const fields: Unpacked[] = [null];
  while (fields.length <= layout.ACCOUNT_SEQUENCE) {
    const { value, rest: behind } = unpackFirst(rest);
    fields.push(value);
    rest = behind;
  }
  if (asNumber(fields[layout.ACCOUNT_VERSION]) > layout.SCHEMA_VERSION) {
    throw new EngineReplyError(`account ${accountId} was written by a newer version of tolld`);
  }
  if (asText(fields[layout.ACCOUNT_ID]) !== accountId) {
    throw new PackingError(`another account stands in the place of ${accountId}`);
  }
  return asNumber(fields[layout.ACCOUNT_SEQUENCE]);
}
