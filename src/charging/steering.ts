/** Tasks of steering in Redis: raised, found when due, claimed by one process, concluded. */
import type { SteeringKind, SteeringOutcome, SteeringReason } from '../domain/steering.js';
import { bytesOf, callScript, EngineReplyError, statusOf, type Engine } from './engine.js';
import { steeringCodes, steeringOf, steeringOutcomeCode } from './event-codec.js';
import * as layout from './generated/layout.js';
import { pack, unpack } from './packing.js';
import { PartitionFencedError } from './fenced.js';
import { asArray, asNumber } from './unpacked.js';

/** Whom a task is about: one session, or every live session of an account. */
export type SteeringSubject =
  | { readonly partition: number; readonly accountId: string; readonly sessionId: string }
  | { readonly partition: number; readonly accountId: string; readonly sessionId: null };

export interface DueSteering {
  readonly partition: number;
  /** "s:<session id>" or "a:<account id>". */
  readonly member: string;
}

/** A task in the hands of this process until its lease ends. */
export interface ClaimedSteering {
  readonly subject: SteeringSubject;
  readonly taskId: number;
  readonly kind: SteeringKind;
  readonly reason: SteeringReason;
  /** From 1. */
  readonly attempt: number;
  /** Of an account's task: its sequence when the task was raised. */
  readonly after: number;
}

/** Tasks of a partition that were due at `now` (ms since 1970), the earliest first. */
export async function dueSteering(
  engine: Engine,
  partition: number,
  {
    now,
    offset,
    countMax,
  }: { readonly now: number; readonly offset: number; readonly countMax: number },
): Promise<readonly DueSteering[]> {
  const key = engine.keys.steer(partition);
  const members = await engine.redis.zrangebyscore(key, 0, now, 'LIMIT', offset, countMax);
  return members.map((member) => ({ partition, member }));
}

/**
 * Asks for a request to the gateway of a live session, or of every live session of an account.
 * @returns whether there is such a session or account.
 * @throws PartitionFencedError, EngineUnavailableError, EngineOutOfMemoryError
 */
export async function raiseSteering(
  engine: Engine,
  subject: SteeringSubject,
  order: { readonly kind: SteeringKind; readonly reason: SteeringReason; readonly now?: number },
): Promise<boolean> {
  const { keys } = engine;
  const { partition } = subject;
  const [kind, reason] = steeringCodes(order.kind, order.reason);
  const reply = await callScript(
    engine,
    'steer',
    [
      ...keysOfSubject(engine, subject),
      keys.control(partition),
      keys.steer(partition),
      keys.tasks(partition),
    ],
    [String(order.now ?? 0), memberOf(subject), String(kind), String(reason)],
  );
  switch (statusOf(reply)) {
    case layout.REPLY_DONE:
      return true;
    case layout.REPLY_UNKNOWN_SESSION:
    case layout.REPLY_UNKNOWN_ACCOUNT:
    case layout.REPLY_MOVED:
      return false;
    case layout.REPLY_FENCED:
      throw new PartitionFencedError(partition);
    default:
      throw new EngineReplyError(`steer replied status ${String(reply[0])}`);
  }
}

/** Asks the gateway of a live session to come back, since it is rated otherwise now. */
export async function reAuthoriseSession(
  engine: Engine,
  session: { readonly partition: number; readonly accountId: string; readonly sessionId: string },
): Promise<void> {
  await raiseSteering(engine, session, { kind: 're-authorise', reason: 'tariff' });
}

/**
 * Takes a due task for `leaseMs`; null where another process has it, or nothing is to be done any
 * more. @throws EngineUnavailableError
 */
export async function claimSteering(
  engine: Engine,
  subject: SteeringSubject,
  { leaseMs, now = 0 }: { readonly leaseMs: number; readonly now?: number },
): Promise<ClaimedSteering | null> {
  const { keys } = engine;
  const { partition } = subject;
  const reply = await callScript(
    engine,
    'claim',
    [
      ...keysOfSubject(engine, subject),
      keys.control(partition),
      keys.outbox(partition),
      keys.steer(partition),
      keys.tasks(partition),
    ],
    [String(now), memberOf(subject), String(leaseMs)],
  );
  if (statusOf(reply) !== layout.REPLY_DONE) return null;
  const task = [null, ...asArray(unpack(bytesOf(reply, 1)))];
  return {
    subject,
    taskId: asNumber(task[layout.TASK_ID]),
    ...steeringOf(task[layout.TASK_KIND], task[layout.TASK_REASON]),
    attempt: asNumber(task[layout.TASK_ATTEMPTS]),
    after: asNumber(task[layout.TASK_AFTER]),
  };
}

/**
 * Says what became of an attempt; `againMs` sets the task for later, null ends it. For a session the
 * outcome becomes an event. Concluding twice does nothing. @throws EngineUnavailableError
 */
export async function concludeSteering(
  engine: Engine,
  claimed: ClaimedSteering,
  conclusion: {
    readonly outcome: SteeringOutcome;
    readonly detail: string | null;
    readonly againMs: number | null;
    readonly now?: number;
  },
): Promise<void> {
  const { keys } = engine;
  const { subject, taskId, attempt } = claimed;
  const { partition } = subject;
  const { outcome, detail, againMs, now = 0 } = conclusion;
  const packed = pack([
    now,
    memberOf(subject),
    taskId,
    attempt,
    steeringOutcomeCode(outcome),
    detail ?? false,
    againMs ?? 0,
  ]);
  await callScript(
    engine,
    'conclude',
    [
      ...keysOfSubject(engine, subject),
      keys.control(partition),
      keys.outbox(partition),
      keys.timers(partition),
      keys.steer(partition),
      keys.tasks(partition),
    ],
    [packed],
  );
}

/** Whom a due task is about; null where its session is not in Redis (any more). */
export async function subjectOf(
  engine: Engine,
  { partition, member }: DueSteering,
): Promise<SteeringSubject | null> {
  const id = member.slice(2);
  if (member.startsWith('a:')) return { partition, accountId: id, sessionId: null };
  const header = await engine.redis.hgetBuffer(engine.keys.session(partition, id), 'h');
  if (header === null) return null;
  const accountId = [null, ...asArray(unpack(header))][layout.SESSION_ACCOUNT];
  return { partition, accountId: String(accountId), sessionId: id };
}

/**
 * Lets what was to be asked of a gateway be asked from the partition that its account has moved to.
 * Harmless when repeated. @throws PartitionFencedError, EngineUnavailableError, EngineOutOfMemoryError
 */
export async function carrySteering(
  engine: Engine,
  subject: SteeringSubject,
  to: number,
): Promise<void> {
  const { redis, keys } = engine;
  const due = { partition: subject.partition, member: memberOf(subject) };
  const packed = await redis.hgetBuffer(keys.tasks(subject.partition), due.member);
  if (packed === null) return;
  const task = [null, ...asArray(unpack(packed))];
  const following = task[layout.TASK_NEXT];
  // What was raised while another request was under way stands for both.
  const [kind, reason] = Array.isArray(following)
    ? following
    : [task[layout.TASK_KIND], task[layout.TASK_REASON]];
  await raiseSteering(engine, { ...subject, partition: to }, steeringOf(kind, reason));
  await dropSteering(engine, due);
}

/** Drops a task whose session is not in Redis any more, or not there. */
export async function dropSteering(
  engine: Engine,
  { partition, member }: DueSteering,
): Promise<void> {
  await engine.redis.zrem(engine.keys.steer(partition), member);
  await engine.redis.hdel(engine.keys.tasks(partition), member);
}

function memberOf({ accountId, sessionId }: SteeringSubject): string {
  return sessionId === null ? `a:${accountId}` : `s:${sessionId}`;
}

function keysOfSubject({ keys }: Engine, subject: SteeringSubject): readonly string[] {
  const { partition, accountId, sessionId } = subject;
  const account = keys.account(partition, accountId);
  return [account, sessionId === null ? account : keys.session(partition, sessionId)];
}
