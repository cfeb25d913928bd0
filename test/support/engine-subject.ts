/** The real scripts in a real Redis, as a charging subject. */
import type { Engine } from '../../src/charging/engine.js';
import { charge, enquire, settle } from '../../src/charging/charge.js';
import { decodeEntry } from '../../src/charging/event-codec.js';
import { creditAccount, provisionAccount } from '../../src/charging/provisioning.js';
import { readSession } from '../../src/charging/session-snapshot.js';
import { entryOf } from '../../src/charging/stream.js';
import { purgeEndedBuckets, readAccount } from '../../src/charging/snapshot.js';
import { dueTimers, sweepTimer } from '../../src/charging/sweeping.js';
import type { ChargingSubject } from './charging-subject.js';

const TIMERS_MAX = 10_000;

/** An engine over one key prefix; the caller empties it, or takes a new prefix, to begin anew. */
export function createEngineSubject(engine: Engine): ChargingSubject {
  const seen = new Map<number, string>();
  return {
    charge: (request) => charge(engine, request),
    settle: (request) => settle(engine, request),
    enquire: (request) => enquire(engine, request),
    credit: (request) => creditAccount(engine, request),
    provision: (request) => provisionAccount(engine, request),
    sweep: (timer, now) => sweepTimer(engine, timer, now),
    dueTimers: (partition, now) => dueTimers(engine, partition, now, TIMERS_MAX),
    account: (partition, accountId) => readAccount(engine, partition, accountId),
    session: (partition, sessionId) => readSession(engine, partition, sessionId),
    purge: (partition, accountId, recorded) =>
      purgeEndedBuckets(engine, { partition, accountId }, recorded),
    fence: async (partition, closed) => {
      // One command, so that calls that are under way keep their order. A partition without a word
      // is closed; one that is closed, or open, already has nothing to rename.
      const control = engine.keys.control(partition);
      const names = closed ? [control, `${control}:kept`] : [`${control}:kept`, control];
      await engine.redis.rename(names[0] ?? '', names[1] ?? '').catch((error: unknown) => {
        if (!String(error).includes('no such key')) throw error;
      });
    },
    told: async (partition) => {
      const members = await engine.redis.hkeys(engine.keys.tasks(partition));
      const sessions = members.filter((member) => member.startsWith('s:'));
      return sessions.map((member) => member.slice(2)).toSorted();
    },
    newEntries: async (partition) => {
      const after = seen.get(partition);
      const found = await engine.redis.xrangeBuffer(
        engine.keys.outbox(partition),
        after === undefined ? '-' : `(${after}`,
        '+',
      );
      const last = found.at(-1);
      if (last !== undefined) seen.set(partition, last[0].toString('latin1'));
      return found.map(([id, fields]) =>
        decodeEntry(partition, id.toString('latin1'), entryOf(fields)),
      );
    },
  };
}
