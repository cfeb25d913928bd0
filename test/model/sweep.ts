/** What timers come for: silent sessions, finished ones, buckets that begin or end. */
import type { SweepOutcome } from '../../src/charging/sweeping.js';
import { expireReleased, isDue, nextChangeOf, turn } from './lifecycle.js';
import { say, turnDue } from './session-request.js';
import { nameStarved, noteFree } from './starving.js';
import { openBooks, release, type Account, type Books, type Session, type World } from './state.js';
import { checkThresholds } from './thresholds.js';

export interface Swept {
  readonly outcome: SweepOutcome;
  readonly books: Books | null;
  readonly at: number;
}

const only = (kind: SweepOutcome['kind']): Swept => ({ outcome: { kind }, books: null, at: 0 });

export function sweep(world: World, member: string, given: number): Swept {
  if (world.closed) return only('fenced');
  const id = member.slice(2);
  if (member.startsWith('a:')) {
    const account = world.accounts.get(id);
    return account === undefined ? only('forgotten') : sweepAccount(world, account, given);
  }
  const session = world.sessions.get(id);
  return session === undefined ? only('forgotten') : sweepSession(world, session, given);
}

function sweepAccount(world: World, account: Account, given: number): Swept {
  const now = Math.max(given, account.lastSeen);
  const books = openBooks(world, [account]);
  if (!isDue(books, account, now)) {
    const waits = account.buckets.some((bucket) => nextChangeOf(bucket, now) !== null);
    return only(waits ? 'not-due' : 'forgotten');
  }
  turn(books, account, now);
  checkThresholds(books);
  account.lastSeen = now;
  return { outcome: { kind: 'turned' }, books, at: now };
}

function sweepSession(world: World, session: Session, given: number): Swept {
  const accounts = [session.accountId, session.ownerId]
    .filter((id) => id !== null)
    .map((id) => world.accounts.get(id))
    .filter((account) => account !== undefined);
  const now = Math.max(given, ...accounts.map(({ lastSeen }) => lastSeen));
  if (session.deadline > now) return only('not-due');
  if (session.state !== 'open') {
    world.sessions.delete(session.id);
    return only('removed');
  }
  const books = openBooks(world, accounts);
  turnDue(books, now);
  const freeBefore = noteFree(books, session.id);
  for (const service of session.services.values()) release(service);
  nameStarved(books, freeBefore, session.id, now);
  expireReleased(books, now);
  checkThresholds(books);
  for (const account of accounts) {
    account.starved = account.starved.filter((id) => id !== session.id);
    account.lastSeen = now;
  }
  session.ownerId = null;
  session.state = 'expired';
  session.deadline = now + session.retentionMs;
  say(books, session, 'expired', session.lastNumber, 'supervision');
  return { outcome: { kind: 'expired' }, books, at: now };
}
