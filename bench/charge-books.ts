/**
 * Whether the books balance after a measurement: what the outbox says happened since the accounts
 * were seeded, against what the accounts and sessions hold now. A difference spoils the run.
 */
import type { Engine } from '../src/charging/engine.js';
import { decodeEntry } from '../src/charging/event-codec.js';
import { entryOf } from '../src/charging/stream.js';
import { OWNER_MARK, SERVICE_LEGS } from '../src/charging/generated/layout.js';
import { partitionOf } from '../src/charging/keys.js';
import { unpackBytes, type Unpacked } from '../src/charging/packing.js';
import { readAccount, type AccountSnapshot } from '../src/charging/snapshot.js';
import type { ChargingEvent, Impact } from '../src/domain/events.js';
import { accountIdOf, ownerIdOf, PARTITIONS, sessionIdOf, type Seeded } from './charge-workload.js';

export interface Books {
  readonly entries: number;
  readonly accounts: number;
  /** One line per difference; empty when the books balance. */
  readonly differences: readonly string[];
}

interface AccountRun {
  readonly partition: number;
  lastSequence: number;
  readonly deltas: Map<string, number>;
  readonly sessions: Set<string>;
}

const PAGE = 5_000;
const DIFFERENCES_KEPT = 20;

/** @param reportedUnits what the requests reported in all, duplicates once. */
export async function checkBooks(
  engine: Engine,
  seeded: Seeded,
  reportedUnits: number,
): Promise<Books> {
  const starts = await readStarts(engine, seeded.template);
  const differences: string[] = [];
  const differ = (text: string): void => {
    if (differences.length < DIFFERENCES_KEPT) differences.push(text);
  };
  const runs = new Map<string, AccountRun>();
  let entries = 0;
  let usedUnits = 0;
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    for await (const [id, packed] of readOutbox(engine, partition)) {
      entries += 1;
      for (const { accountId, firstSequence, events } of decodeEntry(partition, id, packed)
        .accounts) {
        const run = runs.get(accountId) ?? newRun(partition, startOf(starts, accountId).sequence);
        runs.set(accountId, run);
        if (firstSequence !== run.lastSequence + 1) {
          differ(`${accountId}: event ${firstSequence} follows ${run.lastSequence}`);
        }
        run.lastSequence = firstSequence + events.length - 1;
        for (const event of events) usedUnits += take(run, event);
      }
    }
  }
  for (const [accountId, run] of runs) {
    for (const text of await compareAccount(engine, accountId, run, startOf(starts, accountId)))
      differ(text);
  }
  if (usedUnits !== reportedUnits) {
    differ(`events hold ${usedUnits} units of use, requests reported ${reportedUnits}`);
  }
  return { entries, accounts: runs.size, differences };
}

/** The accounts that the others are copies of: a member, and its owner where there is one. */
async function readStarts(engine: Engine, template: number): Promise<readonly AccountSnapshot[]> {
  const home = partitionOf(accountIdOf(template), PARTITIONS);
  const starts: AccountSnapshot[] = [];
  for (const id of [accountIdOf(template), ownerIdOf(template)]) {
    const account = await readAccount(engine, home, id);
    if (account !== null) starts.push(account);
  }
  return starts;
}

/** What an account was seeded as: members and owners differ in the first letter of their ids. */
function startOf(starts: readonly AccountSnapshot[], accountId: string): AccountSnapshot {
  const start = starts.find((one) => one.accountId[0] === accountId[0]);
  if (start === undefined) throw new Error(`${accountId} is no copy of a template`);
  return start;
}

function newRun(partition: number, sequence: number): AccountRun {
  return { partition, lastSequence: sequence, deltas: new Map(), sessions: new Set() };
}

/** Adds an event to an account's run. Returns the units of use it holds. */
function take(run: AccountRun, event: ChargingEvent): number {
  if (event.type === 'usage') {
    run.sessions.add(event.sessionId);
    add(run, event.impacts);
    return event.used;
  }
  if (event.type === 'shared-usage') {
    run.sessions.add(event.sessionId);
    add(run, event.impacts);
  }
  if (event.type === 'session') run.sessions.add(event.sessionId);
  if (event.type === 'ledger') add(run, event.impacts);
  return 0;
}

function add(run: AccountRun, impacts: readonly Impact[]): void {
  for (const { bucketId, delta } of impacts) {
    run.deltas.set(bucketId, (run.deltas.get(bucketId) ?? 0) + delta);
  }
}

async function compareAccount(
  engine: Engine,
  accountId: string,
  run: AccountRun,
  start: AccountSnapshot,
): Promise<string[]> {
  const account = await readAccount(engine, run.partition, accountId);
  if (account === null) return [`${accountId}: is gone`];
  const differences: string[] = [];
  if (account.sequence !== run.lastSequence) {
    differences.push(`${accountId}: sequence ${account.sequence}, events ${run.lastSequence}`);
  }
  const held = await readHeld(engine, accountId, run);
  for (const bucket of account.buckets) {
    const { bucketId, remaining, reserved } = bucket;
    const before = start.buckets.find((b) => b.bucketId === bucketId)?.remaining ?? 0;
    const expected = before + (run.deltas.get(bucketId) ?? 0);
    if (remaining !== expected) {
      differences.push(`${accountId} ${bucketId}: holds ${remaining}, events say ${expected}`);
    }
    const legs = held.get(bucketId) ?? 0;
    if (reserved !== legs) {
      differences.push(`${accountId} ${bucketId}: reserves ${reserved}, sessions hold ${legs}`);
    }
  }
  return differences;
}

/** What the sessions of an account hold of each bucket. A leg of an owner's bucket bears a mark. */
async function readHeld(
  engine: Engine,
  accountId: string,
  run: AccountRun,
): Promise<Map<string, number>> {
  const held = new Map<string, number>();
  const mark = String.fromCharCode(OWNER_MARK);
  const isOwner = accountId === ownerIdOf(Number(accountId.slice(1)));
  const sessions = new Set([...run.sessions, sessionIdOf(Number(accountId.slice(1)))]);
  for (const sessionId of sessions) {
    const key = engine.keys.session(run.partition, sessionId);
    for (const [field, packed] of Object.entries(await engine.redis.hgetallBuffer(key))) {
      if (!field.startsWith('s:')) continue;
      const legs = elements(elements(unpackBytes(packed))[SERVICE_LEGS - 1]);
      for (let at = 0; at < legs.length; at += 3) {
        const text = String(legs[at]);
        if (text.startsWith(mark) !== isOwner) continue;
        const bucketId = isOwner ? text.slice(mark.length) : text;
        held.set(bucketId, (held.get(bucketId) ?? 0) + Number(legs[at + 1]));
      }
    }
  }
  return held;
}

function elements(value: Unpacked | undefined): readonly Unpacked[] {
  return Array.isArray(value) ? value : [];
}

type StreamEntry = readonly [id: Buffer, fields: readonly Buffer[]];

async function* readOutbox(
  engine: Engine,
  partition: number,
): AsyncGenerator<readonly [id: string, packed: Buffer]> {
  let from = '-';
  for (;;) {
    const page = (await engine.redis.xrangeBuffer(
      engine.keys.outbox(partition),
      from,
      '+',
      'COUNT',
      PAGE,
    )) as readonly StreamEntry[];
    for (const [id, fields] of page) yield [id.toString(), entryOf(fields)];
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    from = `(${last[0].toString()}`;
  }
}
