/** Whether somebody will look at an account and at its sessions when something of them ends by itself. */
import type { DecodedBucket } from '../charging/event-codec.js';
import type { AccountWithSessions } from '../charging/snapshot.js';
import { finding, type Finding } from './finding.js';

/**
 * A timer may go off too early, and is then set again; never too late.
 * @param timers when each goes off, ms since 1970; null where there is none. Read before the account.
 */
export function checkTimers(
  { account, bases }: AccountWithSessions,
  timers: ReadonlyMap<string, number | null>,
  partition: number,
): readonly Finding[] {
  const { accountId, buckets, lastSeen, nextChangeAt } = account;
  const place = { accountId, partition };
  const findings: Finding[] = [];
  const due = nextChange(buckets, lastSeen);
  if (due !== null && (nextChangeAt === null || nextChangeAt > due)) {
    const message = `a bucket changes at ${iso(due)}, and the account knows of ${iso(nextChangeAt)}`;
    findings.push(finding('timer', place, message));
  }
  const armed = timers.get(`a:${accountId}`) ?? null;
  if (nextChangeAt !== null && (armed === null || armed > nextChangeAt)) {
    const message = `its buckets change at ${iso(nextChangeAt)}, its timer stands at ${iso(armed)}`;
    findings.push(finding('timer', place, message));
  }
  for (const { sessionId, deadline } of bases) {
    const stands = timers.get(`s:${sessionId}`) ?? null;
    // One without a timer is an orphan, and named so, or came after its timer was looked for.
    if (stands === null || stands <= deadline) continue;
    const message = `the session ends at ${iso(deadline)}, its timer stands at ${iso(stands)}`;
    findings.push(finding('timer', { ...place, sessionId }, message));
  }
  return findings;
}

/** As next_change in lua/include/change_buckets.lua has it. */
function nextChange(buckets: readonly DecodedBucket[], now: number): number | null {
  const times = buckets.flatMap(({ state, startsAt, endsAt, remaining }) => {
    const isOver = state === 'inactive' && remaining <= 0;
    const starts = state === 'pending' && startsAt !== null && startsAt > now ? [startsAt] : [];
    return endsAt !== null && endsAt > now && !isOver ? [endsAt, ...starts] : starts;
  });
  return times.length === 0 ? null : Math.min(...times);
}

function iso(at: number | null): string {
  return at === null ? 'nothing' : new Date(at).toISOString();
}
