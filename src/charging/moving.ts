/**
 * Moves an account from one partition to another, with all its sessions: to where the owner of its
 * sharing group is, or home from there.
 *
 * The account is sealed where it is (its moved-out event is written), its sessions are put down where
 * it goes, it arrives there (its moved-in event), routes follow, and what it left is dropped but for
 * a note of where it went. Nothing is charged between seal and arrival, and never in two places.
 * Each step recognises what was done before by the number of the moved-out event, so whoever finds a
 * move that was cut off (the synchroniser, a front that met the seal) finishes it, several at a time
 * if need be.
 *
 * A Redis that restarts may lack a tail of what it answered. So an account arrives only while its seal
 * is there, and what it left is dropped only while nothing of its arrival can have been lost: both
 * partitions must be open as they were when the move was taken up. Where they lie on servers that
 * write to disk by themselves (engine.syncMs), each waits until the step before it is on disk. What
 * the record has and Redis lacks of a move, recovery makes good (src/recovery/replay.ts).
 */
import type { SessionRoute } from '../domain/session-route.js';
import { callScript, EngineReplyError, statusOf, type Engine } from './engine.js';
import { PartitionFencedError } from './fenced.js';
import * as layout from './generated/layout.js';
import { holdersOfSessions } from './inventory.js';
import {
  AccountMissingError,
  dropSessions,
  isSealed,
  landAccount,
  laySession,
  liftSession,
  sealAccount,
  type AccountMove,
  type SealedAccount,
} from './move-steps.js';
import { unpack, unpackBytes } from './packing.js';
import { carrySteering } from './steering.js';
import { asArray, asText } from './unpacked.js';

export type MoveStep =
  | 'sealed'
  | 'session lifted'
  | 'session laid'
  | 'arrived'
  | 'routed'
  | 'session dropped'
  | 'dropped';

export interface MoveOptions {
  /** Told after each step; what it throws leaves the move where it is. For tests. */
  readonly onStep?: (step: MoveStep) => void | Promise<void>;
}

/** Partitions an account may have gone through without its caller knowing. */
const HOPS_MAX = 8;

/**
 * Moves the account, from wherever it is by now; a move that was cut off is finished first.
 * Harmless when repeated.
 * @throws AccountMissingError, PartitionFencedError, EngineUnavailableError
 */
export async function moveAccount(
  engine: Engine,
  move: AccountMove,
  options: MoveOptions = {},
): Promise<void> {
  let { from } = move;
  for (let hop = 0; hop < HOPS_MAX; hop += 1) {
    const place = await settleMove(engine, { ...move, from }, options);
    if (place === null) throw new AccountMissingError(move.accountId, from);
    if (place === move.to) return;
    from = place;
    const sealed = await sealAccount(engine, { ...move, from });
    await options.onStep?.('sealed');
    if (sealed !== null) await finish(engine, { ...move, from }, sealed, options);
  }
  throw new EngineReplyError(`account ${move.accountId} is moved about by somebody else`);
}

/**
 * Finds where an account is, and finishes its move if that was cut off. Returns the partition in
 * which it can be charged; null where there is no such account.
 * @throws PartitionFencedError, EngineUnavailableError
 */
export async function settleMove(
  engine: Engine,
  account: Omit<AccountMove, 'to'>,
  options: MoveOptions = {},
): Promise<number | null> {
  let { from } = account;
  for (let hop = 0; hop < HOPS_MAX; hop += 1) {
    const to = await wentTo(engine, from, account.accountId);
    if (to === 'here') return from;
    if (to === null) return null;
    const sealed = await sealAccount(engine, { ...account, from, to });
    if (sealed !== null) await finish(engine, { ...account, from, to }, sealed, options);
    from = to;
  }
  throw new EngineReplyError(`account ${account.accountId} is moved about by somebody else`);
}

/** Where an account went from a partition; `here` if it is there, null if it never was. */
async function wentTo(
  engine: Engine,
  partition: number,
  accountId: string,
): Promise<number | 'here' | null> {
  const reply = await callScript(
    engine,
    'snapshot',
    [engine.keys.account(partition, accountId)],
    [],
  );
  switch (statusOf(reply)) {
    case layout.REPLY_MOVED:
      return Number(reply[1]);
    case layout.REPLY_DONE:
      return 'here';
    case layout.REPLY_UNKNOWN_ACCOUNT:
      return null;
    default:
      throw new EngineReplyError(`account ${accountId} was written by a newer version of tolld`);
  }
}

/** Brings what is sealed to where it goes, and clears up behind it. */
async function finish(
  engine: Engine,
  move: AccountMove,
  { sequence, state }: SealedAccount,
  { onStep }: MoveOptions,
): Promise<void> {
  const controls = await readControls(engine, move);
  const sessions = await findSessions(engine, move);
  const timers: (string | number)[] = [];
  for (const { sessionId, dueAt } of sessions) {
    const fields = await liftSession(engine, move, { sessionId, sequence });
    // Somebody else has finished the move meanwhile.
    if (fields === null) return;
    await onStep?.('session lifted');
    if (asArray(unpackBytes(fields)).length === 0) continue;
    const laid = (): Promise<boolean> => laySession(engine, move, { sessionId, sequence, fields });
    while (!(await laid())) await clear(engine, move, move.to);
    await onStep?.('session laid');
    timers.push(sessionId, dueAt);
  }
  // Nothing changes it while the account is sealed.
  const access = await engine.redis.getBuffer(engine.keys.access(move.from, move.accountId));
  await untilOnDisk(engine);
  if (!(await isSealed(engine, move, sequence))) return;
  const arrival = { state, timers, access, control: controls.to };
  const landed = (): Promise<boolean> => landAccount(engine, move, arrival);
  while (!(await landed())) await clear(engine, move, move.to);
  await onStep?.('arrived');
  if (access !== null) await followSessionsOfNas(engine, move, access);
  for (const { sessionId } of sessions) await redirect(engine, sessionId, move);
  await followTasks(engine, move, sessions);
  await onStep?.('routed');
  await untilOnDisk(engine);
  const { to } = await readControls(engine, move);
  if (to !== controls.to) throw new PartitionFencedError(move.to);
  const left = { sequence, control: controls.from };
  for (const { sessionId } of sessions) {
    await dropSessions(engine, move, { ...left, sessionIds: [sessionId] });
    await onStep?.('session dropped');
  }
  await dropSessions(engine, move, { ...left, sessionIds: [] });
  await onStep?.('dropped');
}

/** In which epoch and reign the partitions are open. */
async function readControls(
  { redis, keys }: Engine,
  { from, to }: AccountMove,
): Promise<{ readonly from: string; readonly to: string }> {
  const [here, there] = await Promise.all([
    redis.get(keys.control(from)),
    redis.get(keys.control(to)),
  ]);
  return { from: here ?? '', to: there ?? '' };
}

/** Where servers sync by themselves, until each has synced what it answered before. */
async function untilOnDisk({ syncMs }: Engine): Promise<void> {
  if (syncMs !== undefined) await new Promise((resolve) => setTimeout(resolve, syncMs));
}

/** What is to be asked of the gateways of an account that moved is asked from its new place. */
async function followTasks(
  engine: Engine,
  { accountId, from, to }: AccountMove,
  sessions: readonly FoundSession[],
): Promise<void> {
  const subjects = [null, ...sessions.map(({ sessionId }) => sessionId)];
  for (const sessionId of subjects) {
    await carrySteering(engine, { partition: from, accountId, sessionId }, to);
  }
}

/** Finishes an earlier move away from a partition, which had arrived and was not cleared up behind. */
async function clear(engine: Engine, account: AccountMove, partition: number): Promise<void> {
  const to = await wentTo(engine, partition, account.accountId);
  if (to === null || to === 'here') return;
  const earlier = { ...account, from: partition, to };
  const sealed = await sealAccount(engine, earlier);
  if (sealed !== null) await finish(engine, earlier, sealed, {});
}

interface FoundSession {
  readonly sessionId: string;
  /** When the sweeper looks at it, ms since 1970. */
  readonly dueAt: number;
}

/** Sessions looked at by one round trip. */
const SESSIONS_AT_ONCE = 500;

/**
 * The sessions of a sealed account, finished ones too: every session has a timer, and none begins or
 * ends while its account is sealed, so one walk over the partition's timers meets them all.
 */
async function findSessions(
  engine: Engine,
  { accountId, from }: AccountMove,
): Promise<readonly FoundSession[]> {
  const { redis, keys } = engine;
  const found = new Map<string, FoundSession>();
  let cursor = '0';
  do {
    const [next, flat] = await redis.zscan(
      keys.timers(from),
      cursor,
      'MATCH',
      's:*',
      'COUNT',
      SESSIONS_AT_ONCE,
    );
    cursor = next;
    const timers = flat.flatMap((member, index) =>
      index % 2 === 0 ? [{ sessionId: member.slice(2), dueAt: Number(flat[index + 1]) }] : [],
    );
    const ids = timers.map(({ sessionId }) => sessionId);
    const holders = await holdersOfSessions(engine, from, ids);
    const own = new Set(
      holders.filter((each) => each.accountId === accountId).map(({ sessionId }) => sessionId),
    );
    for (const timer of timers) if (own.has(timer.sessionId)) found.set(timer.sessionId, timer);
  } while (cursor !== '0');
  return [...found.values()];
}

/** Lets the NAS of live sessions, where it restarts, be found with them at their new place. */
async function followSessionsOfNas(
  { redis, keys }: Engine,
  { from, to }: AccountMove,
  access: Buffer,
): Promise<void> {
  const live = asArray(asArray(unpack(access))[layout.ACCESS_SESSIONS - 1]).map((packed) => [
    null,
    ...asArray(packed),
  ]);
  for (const fields of live) {
    const sessionId = asText(fields[layout.LIVE_ID]);
    const nas = asText(fields[layout.LIVE_NAS]);
    const until = await redis.zscore(keys.nasSessions(from, nas), sessionId);
    if (until === null) continue;
    // What it reported since it arrived counts longer.
    await redis.zadd(keys.nasSessions(to, nas), 'NX', until, sessionId);
    await redis.zrem(keys.nasSessions(from, nas), sessionId);
  }
}

/** Lets a session's route lead to its new place. */
async function redirect(
  { redis, keys }: Engine,
  sessionId: string,
  { accountId, to }: AccountMove,
): Promise<void> {
  const text = await redis.get(keys.route(sessionId));
  if (text === null) return;
  const route = JSON.parse(text) as SessionRoute;
  if (route.accountId !== accountId || route.partition === to) return;
  // A session that has ended meanwhile takes its route with it.
  await redis.set(keys.route(sessionId), JSON.stringify({ ...route, partition: to }), 'XX');
}
