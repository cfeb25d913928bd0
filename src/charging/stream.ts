/**
 * The outbox streams as their reader sees them. A consumer group, `record`, stands at the last
 * entry that Postgres has: nobody reads through it, but whoever looks at a stream can tell from it
 * what is not recorded yet, without asking Postgres.
 */
import type { EntryId } from '../domain/events.js';
import { parseEntryId } from './event-codec.js';
import type { Keys } from './keys.js';
import { isCluster, mastersOf, type RedisClient } from './redis-client.js';
import type { Replication } from './replication.js';

const GROUP = 'record';
/** Names of fields, of one octet each: `e` and `s`. */
const ENTRY_FIELD = 0x65;
const STAMP_FIELD = 0x73;

export interface StreamEntry {
  readonly id: string;
  readonly packed: Buffer;
}

/** Where to read on in a partition's stream. */
export interface StreamPlace {
  readonly partition: number;
  readonly after: EntryId;
}

/** How a partition's stream stands against the record. */
export interface StreamBacklog {
  readonly partition: number;
  /** Entries that Postgres does not have. */
  readonly entries: number;
  /** The last entry that Postgres has, as far as Redis was told; null where it was told nothing. */
  readonly recorded: EntryId | null;
  /** The last entry ever added, trimmed or not; null for a stream that isn't there. */
  readonly lastAdded: EntryId | null;
}

export interface OutboxStreams {
  /** Up to `count` entries behind `after`, in their order; n -1 stands before its epoch's first. */
  read(partition: number, after: EntryId, count: number): Promise<readonly StreamEntry[]>;
  /** The same of several partitions at once, each up to `count`; those with nothing are left out. */
  readAll(
    places: readonly StreamPlace[],
    count: number,
  ): Promise<ReadonlyMap<number, readonly StreamEntry[]>>;
  /** The last entry ever added, trimmed or not; null for a stream that isn't there. */
  lastAdded(partition: number): Promise<EntryId | null>;
  /** Says that Postgres has everything up to and with `id`. */
  markRecorded(partition: number, id: EntryId): Promise<void>;
  /** Removes what is in front of `id`, and `id` itself. */
  trimThrough(partition: number, id: EntryId): Promise<void>;
  backlog(partition: number): Promise<StreamBacklog>;
  /** Memory in use over the memory allowed, of the fullest server; 0 where no limit is set. */
  memoryRatio(): Promise<number>;
  /** Redis' clock, milliseconds since 1970. */
  now(): Promise<number>;
}

export function createOutboxStreams({
  redis,
  keys,
  replication,
}: {
  readonly redis: RedisClient;
  readonly keys: Keys;
  /** Of an engine with durability `replicated`: the record must not have what a failover may lose. */
  readonly replication?: Replication;
}): OutboxStreams {
  async function mark(key: string, id: string): Promise<void> {
    try {
      await redis.xgroup('SETID', key, GROUP, id);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOGROUP')) throw error;
      await redis.xgroup('CREATE', key, GROUP, id);
    }
  }

  async function read(
    partition: number,
    after: EntryId,
    count: number,
  ): Promise<readonly StreamEntry[]> {
    const start = after.n < 0 ? `${after.epoch}-0` : `(${after.epoch}-${after.n}`;
    const key = keys.outbox(partition);
    if (replication === undefined) {
      return (await redis.xrangeBuffer(key, start, '+', 'COUNT', count)).map(entryFound);
    }
    const { lineage, found } = await replication.read<Entries>(redis, key, (commands) =>
      commands.xrangeBuffer(key, start, '+', 'COUNT', count),
    );
    if (found.length > 0) await replication.confirm(key, lineage);
    return found.map(entryFound);
  }

  /** One command, whose reply has only the streams that hold something. */
  async function readTogether(
    places: readonly StreamPlace[],
    count: number,
  ): Promise<ReadonlyMap<number, readonly StreamEntry[]>> {
    const partitions = new Map(
      places.map(({ partition }) => [keys.outbox(partition), partition] as const),
    );
    const names = [...partitions.keys(), ...places.map(({ after }) => idBehind(after))];
    const found = await readStreams(names, count);
    return new Map(
      found.map(([key, entries]) => [
        partitions.get(key.toString()) ?? -1,
        entries.map(entryFound),
      ]),
    );
  }

  async function readStreams(
    names: readonly string[],
    count: number,
  ): Promise<readonly [Buffer, Entries][]> {
    const [key = ''] = names;
    if (replication === undefined || key === '') {
      return (await redis.xreadBuffer('COUNT', count, 'STREAMS', ...names)) ?? [];
    }
    const { lineage, found } = await replication.read<[Buffer, Entries][] | null>(
      redis,
      key,
      (commands) => commands.xreadBuffer('COUNT', count, 'STREAMS', ...names),
    );
    if (found !== null) await replication.confirm(key, lineage);
    return found ?? [];
  }

  /** Keys of different slots can't be named in one command. */
  async function readApart(
    places: readonly StreamPlace[],
    count: number,
  ): Promise<ReadonlyMap<number, readonly StreamEntry[]>> {
    const found = await Promise.all(
      places.map(async ({ partition, after }) => {
        return [partition, await read(partition, after, count)] as const;
      }),
    );
    return new Map(found.filter(([, entries]) => entries.length > 0));
  }

  return {
    read,
    readAll: isCluster(redis) ? readApart : readTogether,
    lastAdded: async (partition) => {
      const info = await streamInfo(redis, keys.outbox(partition));
      return info === null ? null : idOf(info.get('last-generated-id'));
    },
    markRecorded: (partition, { epoch, n }) => mark(keys.outbox(partition), `${epoch}-${n}`),
    trimThrough: async (partition, { epoch, n }) => {
      await redis.xtrim(keys.outbox(partition), 'MINID', '=', `${epoch}-${n + 1}`);
    },
    backlog: async (partition) => {
      const key = keys.outbox(partition);
      const [info, groups] = await Promise.all([streamInfo(redis, key), groupsOf(redis, key)]);
      const group = groups.find((fields) => fields.get('name') === GROUP);
      return { partition, ...compare(info, group) };
    },
    memoryRatio: async () => {
      const reports = await Promise.all(mastersOf(redis).map((server) => server.info('memory')));
      return Math.max(0, ...reports.map(memoryRatioOf));
    },
    now: async () => {
      const [seconds, microseconds] = await redis.time();
      return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
    },
  };
}

function memoryRatioOf(info: string): number {
  const used = Number(/^used_memory:(\d+)/m.exec(info)?.[1] ?? 0);
  const allowed = Number(/^maxmemory:(\d+)/m.exec(info)?.[1] ?? 0);
  return allowed === 0 ? 0 : used / allowed;
}

/** As Redis replies them: each with its id and its fields. */
type Entries = [id: Buffer, fields: Buffer[]][];

function entryFound([id, fields]: readonly [Buffer, readonly Buffer[]]): StreamEntry {
  return { id: id.toString('latin1'), packed: entryOf(fields) };
}

/** XREAD names the entry before the first that it wants: before an epoch's first stands the last id
 * that the epoch before could have. */
function idBehind({ epoch, n }: EntryId): string {
  if (n >= 0) return `${epoch}-${n}`;
  return epoch === 0 ? '0-0' : `${epoch - 1}-18446744073709551615`;
}

/** An entry as {@link decodeEntry} takes it, of the fields that the stream has: its stamp behind it. */
export function entryOf(fields: readonly Buffer[]): Buffer {
  const entry = fieldOf(fields, ENTRY_FIELD) ?? Buffer.alloc(0);
  const stamp = fieldOf(fields, STAMP_FIELD);
  return stamp === null ? entry : Buffer.concat([entry, stamp]);
}

function fieldOf(fields: readonly Buffer[], name: number): Buffer | null {
  for (let index = 0; index < fields.length; index += 2) {
    const found = fields[index];
    if (found?.length === 1 && found[0] === name) return fields[index + 1] ?? null;
  }
  return null;
}

type InfoFields = ReadonlyMap<string, unknown>;

/** Reads a flat reply of names and values. */
function fieldsOf(reply: unknown): InfoFields {
  if (!Array.isArray(reply)) return new Map(Object.entries(reply as Record<string, unknown>));
  const pairs: [string, unknown][] = [];
  for (let index = 0; index < reply.length; index += 2) {
    pairs.push([String(reply[index]), reply[index + 1]]);
  }
  return new Map(pairs);
}

async function streamInfo(redis: RedisClient, key: string): Promise<InfoFields | null> {
  try {
    return fieldsOf(await redis.xinfo('STREAM', key));
  } catch (error) {
    if (isMissingKey(error)) return null;
    throw error;
  }
}

async function groupsOf(redis: RedisClient, key: string): Promise<readonly InfoFields[]> {
  try {
    return ((await redis.xinfo('GROUPS', key)) as unknown[]).map(fieldsOf);
  } catch (error) {
    if (isMissingKey(error)) return [];
    throw error;
  }
}

function isMissingKey(error: unknown): boolean {
  return error instanceof Error && error.message.includes('no such key');
}

function idOf(value: unknown): EntryId | null {
  return typeof value === 'string' ? parseEntryId(value) : null;
}

/** Numbers are gapless within an epoch, so their difference counts; else Redis' own count does. */
function compare(
  info: InfoFields | null,
  group: InfoFields | undefined,
): Omit<StreamBacklog, 'partition'> {
  if (info === null) return { entries: 0, recorded: null, lastAdded: null };
  const length = Number(info.get('length'));
  const lastAdded = idOf(info.get('last-generated-id'));
  const recorded = idOf(group?.get('last-delivered-id'));
  if (lastAdded === null || recorded === null) return { entries: length, recorded, lastAdded };
  if (lastAdded.epoch === recorded.epoch) {
    return {
      entries: Math.min(length, Math.max(0, lastAdded.n - recorded.n)),
      recorded,
      lastAdded,
    };
  }
  const lag = group?.get('lag');
  return { entries: typeof lag === 'number' ? lag : length, recorded, lastAdded };
}
