/**
 * The fence of a partition (lua/include/open_partition.lua): it is open in one reign of one Redis
 * process, and closed from that server's restart, or another's promotion, until recovery opens it.
 */
import type { EntryId } from '../domain/events.js';
import { callScript, EngineReplyError, statusOf, type Engine } from './engine.js';
import { parseEntryId } from './event-codec.js';
import * as layout from './generated/layout.js';

/** How a partition stands. */
export interface PartitionFence {
  readonly partition: number;
  /**
   * `closed`: opened in another reign, and not compared with the record since. `held`: recovery was
   * restoring it. `missing`: Redis has no word of it.
   */
  readonly state: 'open' | 'closed' | 'held' | 'missing';
  /** Of its control value; 0 where that is missing. */
  readonly epoch: number;
  /** Names the server's reign; empty on a server that is no master. */
  readonly reign: string;
  /** The last entry ever added to its outbox; null where there is no stream. */
  readonly last: EntryId | null;
}

/** @throws EngineUnavailableError */
export async function readFence(engine: Engine, partition: number): Promise<PartitionFence> {
  const { keys } = engine;
  const reply = await callScript(
    engine,
    'fence',
    [keys.control(partition), keys.outbox(partition)],
    [],
  );
  const [, isOpen, control, reign, last] = reply.map((field) =>
    Buffer.isBuffer(field) ? field.toString('latin1') : field,
  );
  const text = String(control);
  return {
    partition,
    state: isOpen === 1 ? 'open' : stateOf(text),
    epoch: Number(/\d+/.exec(text)?.[0] ?? 0),
    reign: String(reign),
    last: last === '' ? null : parseEntryId(String(last)),
  };
}

function stateOf(control: string): 'closed' | 'held' | 'missing' {
  if (control === '') return 'missing';
  return control.startsWith('fenced:') ? 'held' : 'closed';
}

export interface Opening {
  readonly partition: number;
  /** Its stream goes on as `<epoch>-0`. */
  readonly epoch: number;
  /** In which the partition was compared with the record. */
  readonly reign: string;
  /** Where the record stands, if that is beyond what the outbox has. */
  readonly standsAt?: EntryId;
}

/**
 * Opens a partition. @returns whether it is open now: not where the server began another reign since
 * it was looked at. @throws EngineUnavailableError
 */
export async function openInReign(engine: Engine, opening: Opening): Promise<boolean> {
  const { keys } = engine;
  const { partition, epoch, reign, standsAt } = opening;
  const reply = await callScript(
    engine,
    'open',
    [keys.control(partition), keys.outbox(partition)],
    [String(epoch), reign, standsAt === undefined ? '' : `${standsAt.epoch}-${standsAt.n}`],
  );
  const status = statusOf(reply);
  if (status === layout.REPLY_CONFLICT) return false;
  if (status !== layout.REPLY_DONE) throw new EngineReplyError(`open replied ${status}`);
  return true;
}

/** Opens a partition of which nothing needs to be compared: an empty one, or one just restored. */
export async function openPartition(
  engine: Engine,
  partition: number,
  epoch: number,
): Promise<void> {
  for (;;) {
    const { reign } = await readFence(engine, partition);
    if (await openInReign(engine, { partition, epoch, reign })) return;
  }
}

/** Closes a partition in an epoch: its scripts refuse, and recovery may restore. */
export async function holdPartition(
  engine: Engine,
  partition: number,
  epoch: number,
): Promise<void> {
  await engine.redis.set(engine.keys.control(partition), `fenced:${epoch}`);
}
