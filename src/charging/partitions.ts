/** The key space's cut into partitions: chosen at first start, kept, never changed in place. */
import { randomUUID } from 'node:crypto';
import { untilAnswered, type Engine } from './engine.js';
import { SCHEMA_VERSION } from './generated/layout.js';
import { openPartition } from './partition-fence.js';

export interface KeySpace {
  readonly schema: number;
  readonly partitions: number;
  /** Random id, kept in Postgres too, so that a Redis never meets another's record. */
  readonly instance: string;
}

/** What Redis holds cannot be used as it is; the message says what to do. */
export class KeySpaceError extends Error {
  readonly code = 'TOLLD_KEY_SPACE';
}

/** The key space of this Redis, or null where none was opened yet. */
export async function readKeySpace(engine: Engine): Promise<KeySpace | null> {
  const meta = await engine.redis.hgetall(engine.keys.meta);
  if (meta['instance'] === undefined) return null;
  return {
    schema: Number(meta['schema']),
    partitions: Number(meta['partitions']),
    instance: meta['instance'],
  };
}

/**
 * Opens the key space: on an empty Redis lays it out with `partitions`, else checks that it is one
 * this version can serve. `known` is the instance the record belongs to, null for a new record.
 * @throws KeySpaceError when Redis and the record don't belong together, or the schema is newer.
 */
export async function openKeySpace(
  engine: Engine,
  partitions: number,
  known: string | null,
): Promise<KeySpace> {
  const { redis, keys } = engine;
  const existing = await readKeySpace(engine);
  if (existing === null) {
    if (known !== null) {
      throw new KeySpaceError(
        'Redis is empty but Postgres has a record: it was flushed, or this is another Redis; ' +
          'point REDIS_URL at the right one, or run `tolld rebuild`',
      );
    }
    const instance = randomUUID();
    // Written once even when two processes start together: the first `instance` stands. It may stand
    // although its reply was lost, so what stands is asked for.
    await untilAnswered(engine, () => redis.hsetnx(keys.meta, 'instance', instance));
    const standing = await untilAnswered(engine, () => redis.hget(keys.meta, 'instance'));
    if (standing === instance) {
      const layout = { schema: SCHEMA_VERSION, partitions };
      await untilAnswered(engine, () => redis.hset(keys.meta, layout));
      await Promise.all(
        Array.from({ length: partitions }, (_, partition) => openPartition(engine, partition, 1)),
      );
    }
    return settledKeySpace(engine);
  }
  if (known !== null && known !== existing.instance) {
    throw new KeySpaceError(
      `Redis belongs to instance ${existing.instance}, Postgres to ${known}: ` +
        'REDIS_URL and DATABASE_URL must be of one installation',
    );
  }
  return settledKeySpace(engine);
}

/** The key space once whoever lays it out has finished. */
async function settledKeySpace(engine: Engine): Promise<KeySpace> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const space = await readKeySpace(engine);
    if (space !== null && Number.isInteger(space.partitions)) {
      const last = await engine.redis.get(engine.keys.control(space.partitions - 1));
      if (last !== null) return checked(space);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new KeySpaceError('the layout of Redis was begun and not finished; run `tolld rebuild`');
}

function checked(space: KeySpace): KeySpace {
  if (space.schema > SCHEMA_VERSION) {
    throw new KeySpaceError(
      `Redis holds schema ${space.schema}, this version knows ${SCHEMA_VERSION}: upgrade tolld`,
    );
  }
  return space;
}
