import { expect, test } from 'vitest';
import type { SessionEvent } from '../../../src/domain/events.js';
import {
  BEFORE_FIRST,
  type PartitionBatch,
  type ReceivedEntry,
} from '../../../src/domain/flush.js';
import { createFlushLeases } from '../../../src/records/flush-leases.js';
import { createFlushSink } from '../../../src/records/flush-sink.js';
import { testDatabase } from '../../support/postgres.js';
import { stampOf } from './workload.js';

const database = testDatabase();
const OPENED_AT = Date.UTC(2026, 10, 21, 10);

/** Writes batches of one event each an entry, of one account, as a flusher does. */
async function startRecord(accountId: string) {
  const { pool } = database;
  const sink = createFlushSink({ pool });
  const leases = createFlushLeases(
    { holder: 'session rows', partitions: 1, leaseMs: 60_000 },
    { pool },
  );
  const fence = (await leases.renew()).get(0) ?? 0;
  let previous = (await sink.offsets([0])).get(0) ?? BEFORE_FIRST;
  let sequence = 0;
  return async (...events: readonly Partial<SessionEvent>[]): Promise<void> => {
    const entries = events.map((event, index): ReceivedEntry => {
      const id = { epoch: 1, n: (previous.epoch === 1 ? previous.n : -1) + 1 + index };
      sequence += 1;
      const section = { accountId, firstSequence: sequence, events: [{ ...OPENED, ...event }] };
      const entry = {
        ...{ partition: 0, id, at: OPENED_AT + sequence },
        ...{ stamp: stampOf(accountId), accounts: [section] },
      };
      return { id, packed: Buffer.alloc(0), read: () => entry };
    });
    const batch: PartitionBatch = { partition: 0, fence, previous, entries };
    const outcome = await (await sink.prepare([batch]))();
    expect(outcome).toMatchObject({ kind: 'written', faults: [], quarantined: [] });
    previous = entries.at(-1)?.id ?? previous;
  };
}

const OPENED: SessionEvent = {
  type: 'session',
  sessionId: 's',
  change: 'opened',
  requestNumber: 0,
  cause: null,
  openedAt: OPENED_AT,
};

async function sessionsOf(accountId: string): Promise<readonly unknown[]> {
  const { rows } = await database.pool.query<Record<string, unknown>>(
    `SELECT session_id, state, closed_at, cause, last_request_number::int AS number, imsi,
       network ->> 'apn' AS apn
     FROM tolld.sessions WHERE account_id = $1 ORDER BY session_id`,
    [accountId],
  );
  return rows;
}

test('a session is one row, whichever batches its events come in', async () => {
  const write = await startRecord('a');
  const same = { imsi: '26201a', apn: 'internet' };
  await write(
    { sessionId: 'at once' },
    { sessionId: 'apart' },
    { sessionId: 'at once', change: 'closed', requestNumber: 7, cause: 'logout' },
  );
  await write(
    { sessionId: 'apart', change: 'expired', requestNumber: 3, cause: 'silence' },
    { sessionId: 'later' },
  );
  await write({ sessionId: 'apart', cause: 'reopened', requestNumber: 4 });
  const closed_at = new Date(OPENED_AT + 3);
  expect(await sessionsOf('a')).toEqual([
    { session_id: 'apart', state: 'open', closed_at: null, cause: 'reopened', number: 4, ...same },
    { session_id: 'at once', state: 'closed', closed_at, cause: 'logout', number: 7, ...same },
    { session_id: 'later', state: 'open', closed_at: null, cause: null, number: 0, ...same },
  ]);
});

test('a session that is there already or never was is written all the same', async () => {
  const write = await startRecord('b');
  await write({ sessionId: 'b twice' });
  await write({ sessionId: 'b twice', requestNumber: 2 }, { sessionId: 'b other' });
  await write({ sessionId: 'b never opened', change: 'closed', requestNumber: 9, cause: 'logout' });
  expect(await sessionsOf('b')).toMatchObject([
    { session_id: 'b never opened', state: 'closed', number: 9, imsi: '26201b' },
    { session_id: 'b other', state: 'open', number: 0 },
    { session_id: 'b twice', state: 'open', number: 2 },
  ]);
  const { rows } = await database.pool.query<Record<string, unknown>>(
    `SELECT count(*)::int AS events FROM tolld.account_events WHERE account_id = 'b'`,
  );
  expect(rows).toEqual([{ events: 4 }]);
});
