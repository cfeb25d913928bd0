/** Timers of a partition: sessions that fell silent, buckets that end or start by themselves. */
import { callScript, statusOf, type Engine } from './engine.js';
import * as layout from './generated/layout.js';
import { unpack } from './packing.js';
import { asArray, asText, asTextOrNull } from './unpacked.js';
import { unlessUnreadable } from './unreadable.js';

export interface DueTimer {
  readonly partition: number;
  /** "s:<session id>" or "a:<account id>". */
  readonly member: string;
}

export type SweepOutcome =
  | { readonly kind: 'expired' | 'removed' | 'turned' | 'forgotten' | 'steered' }
  | { readonly kind: 'not-due' }
  | { readonly kind: 'fenced' }
  /** What it watches can't be read: the timer stays. */
  | { readonly kind: 'unreadable' };

/** Timers of a partition that were due at `now` (ms since 1970), the earliest first. */
export async function dueTimers(
  engine: Engine,
  partition: number,
  now: number,
  countMax: number,
): Promise<readonly DueTimer[]> {
  const members = await engine.redis.zrangebyscore(
    engine.keys.timers(partition),
    0,
    now,
    'LIMIT',
    0,
    countMax,
  );
  return members.map((member) => ({ partition, member }));
}

const DONE = ['expired', 'removed', 'turned', 'forgotten', 'steered'] as const;

/**
 * Closes a session that its gateway has forgotten, unless it was heard of since `forgottenAt` (ms
 * since 1970, by the clock of Redis).
 * @throws EngineUnavailableError
 */
export function closeForgotten(
  engine: Engine,
  session: { readonly partition: number; readonly id: string },
  forgottenAt: number,
): Promise<SweepOutcome> {
  const timer = { partition: session.partition, member: `s:${session.id}` };
  return sweep(engine, timer, { now: 0, forgottenAt });
}

/**
 * Does what a due timer came for. Several processes may sweep the same timer: the first does it,
 * the others find nothing due. `now` is for tests; the script has its own clock.
 * @throws EngineUnavailableError
 */
export async function sweepTimer(engine: Engine, timer: DueTimer, now = 0): Promise<SweepOutcome> {
  const swept = await unlessUnreadable(sweep(engine, timer, { now, forgottenAt: 0 }));
  return swept ?? { kind: 'unreadable' };
}

async function sweep(
  engine: Engine,
  timer: DueTimer,
  { now, forgottenAt }: { readonly now: number; readonly forgottenAt: number },
): Promise<SweepOutcome> {
  const { keys } = engine;
  const { partition, member } = timer;
  const id = member.slice(2);
  const isSession = member.startsWith('s:');
  const { accountId, ownerAccountId } = isSession
    ? await holdersOf(engine, partition, id)
    : { accountId: id, ownerAccountId: null };
  const accountKey = keys.account(partition, accountId);
  const reply = await callScript(
    engine,
    'sweep',
    [
      accountKey,
      isSession ? keys.session(partition, id) : accountKey,
      keys.control(partition),
      keys.outbox(partition),
      keys.timers(partition),
      keys.steer(partition),
      keys.tasks(partition),
      ...(ownerAccountId === null ? [] : [keys.account(partition, ownerAccountId)]),
    ],
    [String(now), member, String(forgottenAt)],
  );
  switch (statusOf(reply)) {
    case layout.REPLY_DONE: {
      const done = DONE.find((kind) => kind === reply[1]?.toString()) ?? 'forgotten';
      if (done === 'removed') await engine.redis.del(keys.route(id));
      return { kind: done };
    }
    case layout.REPLY_FENCED:
      return { kind: 'fenced' };
    default:
      return { kind: 'not-due' };
  }
}

/**
 * The account a session is charged to, and the sharing owner whose units it holds, if any. The owner
 * may change between this look and the script, which then does nothing; the next round finds it.
 */
async function holdersOf(
  engine: Engine,
  partition: number,
  sessionId: string,
): Promise<{ readonly accountId: string; readonly ownerAccountId: string | null }> {
  const header = await engine.redis.hgetBuffer(engine.keys.session(partition, sessionId), 'h');
  if (header === null) return { accountId: '', ownerAccountId: null };
  const fields = [null, ...asArray(unpack(header))];
  return {
    accountId: asText(fields[layout.SESSION_ACCOUNT]),
    ownerAccountId: asTextOrNull(fields[layout.SESSION_OWNER] ?? false),
  };
}
