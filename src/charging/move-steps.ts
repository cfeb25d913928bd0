/** The scripts of a move, one function each (moving.ts says how they follow each other). */
import type { EventStamp } from '../domain/events.js';
import { bytesOf, callScript, EngineReplyError, statusOf, type Engine } from './engine.js';
import { PartitionFencedError } from './fenced.js';
import * as layout from './generated/layout.js';
import { pack, unpack, unpackBytes } from './packing.js';
import type { ScriptReply } from './script-loader.js';
import { packStamp } from './stamp-codec.js';
import { asArray, asTextOrNull } from './unpacked.js';

export interface AccountMove {
  readonly accountId: string;
  /** Where the account was last known to be. */
  readonly from: number;
  readonly to: number;
  readonly stamp: EventStamp;
  /** Milliseconds since 1970, for tests; the Redis server's clock where absent. */
  readonly now?: number;
}

/** The account is not in Redis: it can't be moved, and has to be provisioned first. */
export class AccountMissingError extends Error {
  readonly code = 'TOLLD_ACCOUNT_MISSING';

  constructor(accountId: string, partition: number) {
    super(
      `account ${accountId} is not in partition ${partition} of Redis; run \`tolld verify\` to see ` +
        'what else is missing',
    );
    this.name = 'AccountMissingError';
  }
}

export interface SealedAccount {
  /** Of its moved-out event: by this the steps behind it recognise the move. */
  readonly sequence: number;
  readonly state: Buffer;
}

/**
 * Seals the account where it is, or finds it sealed on its way to the same partition; null where it
 * has gone already, and nothing of it is left to bring.
 * @throws AccountMissingError, PartitionFencedError, EngineUnavailableError, EngineOutOfMemoryError
 */
export async function sealAccount(
  engine: Engine,
  move: AccountMove,
): Promise<SealedAccount | null> {
  const { keys } = engine;
  const { accountId, from, to, stamp, now = 0 } = move;
  const reply = await callScript(
    engine,
    'move_out',
    [keys.account(from, accountId), keys.control(from), keys.outbox(from)],
    [String(now), String(to), packStamp(stamp)],
  );
  switch (statusOf(reply)) {
    case layout.REPLY_DONE:
      return { sequence: Number(reply[1]), state: bytesOf(reply, 2) };
    case layout.REPLY_MOVED:
      return null;
    case layout.REPLY_UNKNOWN_ACCOUNT:
      throw new AccountMissingError(accountId, from);
    default:
      throw refusal('move_out', reply, from);
  }
}

/** Whether what is in the account's place is still what was sealed by this event. */
export async function isSealed(
  { redis, keys }: Engine,
  { accountId, from }: AccountMove,
  sequence: number,
): Promise<boolean> {
  const packed = await redis.getBuffer(keys.account(from, accountId));
  if (packed === null) return false;
  const fields = [null, ...asArray(unpackBytes(packed))];
  return (
    !Array.isArray(fields[layout.ACCOUNT_BUCKETS]) &&
    fields[layout.ACCOUNT_SEQUENCE] === sequence &&
    fields[layout.MOVED_STATE] !== false
  );
}

/** The session as it is to stand at its new place; null where the move is over. */
export async function liftSession(
  engine: Engine,
  { accountId, from, now = 0 }: AccountMove,
  { sessionId, sequence }: { readonly sessionId: string; readonly sequence: number },
): Promise<Buffer | null> {
  const { redis, keys } = engine;
  const header = await redis.hgetBuffer(keys.session(from, sessionId), 'h');
  const fields = header === null ? [] : [null, ...asArray(unpack(header))];
  let owner = asTextOrNull(fields[layout.SESSION_OWNER] ?? false);
  for (;;) {
    const reply = await callScript(
      engine,
      'move_lift',
      [
        keys.account(from, accountId),
        keys.session(from, sessionId),
        keys.control(from),
        keys.outbox(from),
        keys.timers(from),
        keys.steer(from),
        keys.tasks(from),
        ...(owner === null ? [] : [keys.account(from, owner)]),
      ],
      [String(now), String(sequence), sessionId],
    );
    const status = statusOf(reply);
    if (status === layout.REPLY_DONE) return bytesOf(reply, 1);
    if (status === layout.REPLY_REPEATED) return null;
    if (status !== layout.REPLY_OWNER_NEEDED) throw refusal('move_lift', reply, from);
    const needed = bytesOf(reply, 1).toString('utf8');
    if (needed === owner) throw new AccountMissingError(needed, from);
    owner = needed;
  }
}

/**
 * Puts a session down where its account goes; nothing happens once the account is there.
 * @returns false while something of an earlier move lies there.
 */
export async function laySession(
  engine: Engine,
  { accountId, to }: AccountMove,
  session: { readonly sessionId: string; readonly sequence: number; readonly fields: Buffer },
): Promise<boolean> {
  const { keys } = engine;
  const { sessionId, sequence, fields } = session;
  const reply = await callScript(
    engine,
    'move_lay',
    [keys.account(to, accountId), keys.session(to, sessionId), keys.control(to)],
    [String(sequence), fields],
  );
  return isDone('move_lay', reply, to);
}

/**
 * Lets the account arrive, with its sessions' timers: flat pairs (session id, when in ms), and what
 * its network access keeps beside it.
 * @returns false while something of an earlier move lies there.
 */
export async function landAccount(
  engine: Engine,
  { accountId, to, stamp, now = 0 }: AccountMove,
  account: {
    readonly state: Buffer;
    readonly timers: readonly (string | number)[];
    readonly access: Buffer | null;
    /** Of the partition it goes to, as it was before the seal was looked at last. */
    readonly control: string;
  },
): Promise<boolean> {
  const { keys } = engine;
  const reply = await callScript(
    engine,
    'move_in',
    [
      keys.account(to, accountId),
      keys.control(to),
      keys.outbox(to),
      keys.timers(to),
      keys.access(to, accountId),
    ],
    [
      ...[String(now), account.state, packStamp(stamp), pack(account.timers)],
      ...[account.access ?? '', account.control],
    ],
  );
  return isDone('move_in', reply, to);
}

/** Removes sessions that were laid down elsewhere; without any, what else the account left. */
export async function dropSessions(
  engine: Engine,
  { accountId, from }: AccountMove,
  left: {
    readonly sequence: number;
    readonly sessionIds: readonly string[];
    /** Of the partition it left, as it was before the account arrived elsewhere. */
    readonly control: string;
  },
): Promise<void> {
  const { keys } = engine;
  const { sequence, sessionIds, control } = left;
  const reply = await callScript(
    engine,
    'move_drop',
    [
      keys.account(from, accountId),
      keys.control(from),
      keys.timers(from),
      keys.access(from, accountId),
      ...sessionIds.map((id) => keys.session(from, id)),
    ],
    [String(sequence), control, ...sessionIds],
  );
  isDone('move_drop', reply, from);
}

function isDone(script: string, reply: ScriptReply, partition: number): boolean {
  const status = statusOf(reply);
  if (status === layout.REPLY_DONE || status === layout.REPLY_REPEATED) return true;
  if (status === layout.REPLY_NOT_DUE) return false;
  throw refusal(script, reply, partition);
}

function refusal(script: string, reply: ScriptReply, partition: number): Error {
  if (statusOf(reply) === layout.REPLY_FENCED) return new PartitionFencedError(partition);
  return new EngineReplyError(`${script} replied status ${statusOf(reply)}`);
}
