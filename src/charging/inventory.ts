/** Which accounts and sessions Redis holds: for proofs and recovery, never for a request. */
import type { Engine } from './engine.js';
import * as layout from './generated/layout.js';
import { unpack, unpackFirst } from './packing.js';
import { mastersOf } from './redis-client.js';
import { asArray, asNumber, asText, asTextOrNull } from './unpacked.js';

/** What a partition holds, by the names of its keys. */
export interface PartitionInventory {
  readonly accountIds: ReadonlySet<string>;
  readonly sessionIds: ReadonlySet<string>;
}

/** Who pays for a session, and whose units it may hold besides. */
export interface SessionHolders {
  readonly sessionId: string;
  readonly accountId: string;
  readonly ownerAccountId: string | null;
  /** False for one that has ended and is kept to answer what comes late. */
  readonly isOpen: boolean;
}

const EMPTY: PartitionInventory = { accountIds: new Set(), sessionIds: new Set() };

/** Keys of one answer of SCAN: a fraction of a millisecond of the server. */
const SCAN_COUNT = 1_000;

/**
 * Lists the accounts and sessions of every partition, beside traffic: what stood in Redis all the
 * while is in the list; what came or went meanwhile may be.
 */
export async function takeInventory(
  engine: Engine,
): Promise<{ of(partition: number): PartitionInventory; readonly partitions: readonly number[] }> {
  const { keys } = engine;
  const found = new Map<number, { accountIds: Set<string>; sessionIds: Set<string> }>();
  const prefix = keys.meta.slice(0, -'meta'.length);
  const shape = /^\{p(\d+)\}:(account|session):(.*)$/s;
  const take = (name: string): void => {
    const match = shape.exec(name.slice(prefix.length));
    if (match === null) return;
    const [, number, kind, id = ''] = match;
    const partition = Number(number);
    let held = found.get(partition);
    if (held === undefined) {
      held = { accountIds: new Set(), sessionIds: new Set() };
      found.set(partition, held);
    }
    (kind === 'account' ? held.accountIds : held.sessionIds).add(id);
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
  return { of: (partition) => found.get(partition) ?? EMPTY, partitions: [...found.keys()] };
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

/** Headers read in one go. */
const HEADERS_AT_ONCE = 500;

/** Who holds each of the sessions; those that are gone are left out. */
export async function holdersOfSessions(
  engine: Engine,
  partition: number,
  sessionIds: readonly string[],
): Promise<readonly SessionHolders[]> {
  const { redis, keys } = engine;
  const holders: SessionHolders[] = [];
  for (let from = 0; from < sessionIds.length; from += HEADERS_AT_ONCE) {
    const chunk = sessionIds.slice(from, from + HEADERS_AT_ONCE);
    const headers = await Promise.all(
      chunk.map((id) => redis.hgetBuffer(keys.session(partition, id), 'h')),
    );
    for (const [index, header] of headers.entries()) {
      if (header === null) continue;
      const fields = [null, ...asArray(unpack(header))];
      holders.push({
        sessionId: chunk[index] ?? '',
        accountId: asText(fields[layout.SESSION_ACCOUNT]),
        ownerAccountId: asTextOrNull(fields[layout.SESSION_OWNER] ?? false),
        isOpen: fields[layout.SESSION_STATE] === layout.SESSION_OPEN,
      });
    }
  }
  return holders;
}

/** Octets of an account that hold its number, beside its id. */
const HEADER_OCTETS = 64;

/** The number of each account's last event; accounts that are not there are left out. */
export async function readSequences(
  { redis, keys }: Engine,
  partition: number,
  accountIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const headers = await Promise.all(
    accountIds.map((id) =>
      redis.getrangeBuffer(keys.account(partition, id), 0, HEADER_OCTETS + Buffer.byteLength(id)),
    ),
  );
  return new Map(
    headers.flatMap((header, index) => {
      if (header.length === 0) return [];
      return [[accountIds[index] ?? '', sequenceIn(header)] as const];
    }),
  );
}

/** Of the first part of a packed account. */
function sequenceIn(header: Buffer): number {
  // An array of up to 15 has one octet in front, a longer one three.
  let rest = header.subarray((header[0] ?? 0) === 0xdc ? 3 : 1);
  for (let place = 1; place < layout.ACCOUNT_SEQUENCE; place += 1) ({ rest } = unpackFirst(rest));
  return asNumber(unpackFirst(rest).value);
}
