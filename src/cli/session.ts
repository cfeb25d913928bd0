/** `tolld session`: who is online, and requests to end or change a session with what was answered. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import type pg from 'pg';
import { EngineUnavailableError } from '../charging/engine.js';
import { readTrackedSession } from '../charging/network-sessions.js';
import { raiseSteering } from '../charging/steering.js';
import type { SteeringKind, SteeringOutcome } from '../domain/steering.js';
import { listSessions, type ListedSession } from '../records/session-list.js';
import { readSteering, type SteeringRecord } from '../records/steering-attempts.js';
import { EXIT, type CommandContext } from './context.js';
import { withEngine } from './engine-access.js';
import { parseCount } from './flag-values.js';
import { formatJson, formatTable } from './output.js';
import { NotFoundError, withRecord } from './record-access.js';

interface ListFlags {
  readonly account?: string;
  readonly nas?: string;
  readonly user?: string;
  readonly all?: boolean;
  readonly limit: number;
  readonly json?: boolean;
}

interface SteerFlags {
  readonly wait: number;
  readonly json?: boolean;
}

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 100_000;
const ATTEMPTS_SHOWN = 10;
const LOOK_MS = 100;
const READ_AT_ONCE = 500;
/** What leaves nothing to be done: it took it, or there is nothing any more that could. */
const WELL: ReadonlySet<SteeringOutcome> = new Set([
  'accepted',
  'unknown-session',
  'session-ended',
  'came-back',
  'withdrawn',
]);

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit < 1 || limit > LIMIT_MAX) {
    throw new InvalidArgumentError(`give a number from 1 to ${LIMIT_MAX}`);
  }
  return limit;
}

const HEADINGS = ['session', 'account', 'user', 'by', 'through', 'address', 'since', 'state'];

function row(session: ListedSession): readonly string[] {
  const { sessionId, accountId, userName, msisdn, station, protocol, peer, address } = session;
  const { openedAt, closedAt, cause, state } = session;
  const ended = closedAt === null ? state : `${state} ${closedAt.toISOString()} ${cause ?? ''}`;
  return [
    sessionId,
    accountId,
    userName ?? msisdn ?? station ?? '',
    protocol ?? '',
    peer ?? '',
    address ?? '',
    openedAt.toISOString(),
    ended.trim(),
  ];
}

/** The newest session of this id. @throws NotFoundError */
async function requireSession(pool: pg.Pool, sessionId: string): Promise<ListedSession> {
  const [session] = await listSessions(pool, { sessionId, ended: true, countMax: 1 });
  if (session === undefined) {
    throw new NotFoundError(`there is no session ${sessionId}; \`tolld session list\``);
  }
  return session;
}

function attemptsOf(
  pool: pg.Pool,
  { tenant, accountId, sessionId }: ListedSession,
): Promise<readonly SteeringRecord[]> {
  return readSteering(pool, { tenant, accountId, sessionId, countMax: ATTEMPTS_SHOWN });
}

function describeAttempt({ at, kind, reason, outcome, detail, attempt }: SteeringRecord): string {
  const answer = detail === null ? outcome : `${outcome} (${detail})`;
  return `${new Date(at).toISOString()}  ${kind} for ${reason}, attempt ${attempt}: ${answer}`;
}

/**
 * The record has what was known when a session began; the address comes with the accept, so that only
 * Redis has it. Without Redis the list is as good as the record.
 */
async function withAddresses(
  context: CommandContext,
  sessions: readonly ListedSession[],
): Promise<readonly ListedSession[]> {
  const lacking = sessions.filter(
    ({ protocol, address, closedAt }) =>
      protocol === 'radius' && address === null && closedAt === null,
  );
  if (lacking.length === 0) return sessions;
  const addresses = new Map<string, string>();
  try {
    await withEngine(context, async (engine) => {
      for (let from = 0; from < lacking.length; from += READ_AT_ONCE) {
        const some = lacking.slice(from, from + READ_AT_ONCE).map(async (session) => {
          const live = await readTrackedSession(engine, session.partition, session.sessionId);
          const address = live?.network?.pointer.address;
          if (address) addresses.set(session.sessionId, address);
        });
        await Promise.all(some);
      }
    });
  } catch (error) {
    if (!(error instanceof EngineUnavailableError)) throw error;
    context.terminal.note(`Addresses may be missing: ${error.message}`);
  }
  return sessions.map((session) => ({
    ...session,
    address: session.address ?? addresses.get(session.sessionId) ?? null,
  }));
}

function listCommand(context: CommandContext): Command {
  const { terminal } = context;
  return new Command('list')
    .description('list sessions as Postgres has them, the newest first')
    .option('--account <id>', 'of this account only')
    .option('--nas <name>', 'through this NAS or gateway only')
    .option('--user <name>', 'of this user name only')
    .option('--all', 'those that have ended, too')
    .option('--limit <count>', 'at most so many', parseLimit, LIMIT_DEFAULT)
    .option('--json', 'print JSON')
    .action(async ({ account, nas, user, all = false, limit, json }: ListFlags) => {
      const found = await withRecord(context, (pool) =>
        listSessions(pool, { account, peer: nas, userName: user, ended: all, countMax: limit }),
      );
      const listed = await withAddresses(context, found);
      if (json === true) terminal.out(formatJson(listed));
      else formatTable(HEADINGS, listed.map(row)).forEach((line) => terminal.out(line));
    });
}

function showCommand(context: CommandContext): Command {
  const { terminal } = context;
  return new Command('show')
    .description('show a session: the record, what Redis holds, what its gateway was asked')
    .argument('<id>', 'id of the session')
    .option('--json', 'print JSON')
    .action(async (id: string, { json }: { readonly json?: boolean }) => {
      const { session, attempts } = await withRecord(context, async (pool) => {
        const found = await requireSession(pool, id);
        return { session: found, attempts: await attemptsOf(pool, found) };
      });
      const live = await withEngine(context, (engine) =>
        readTrackedSession(engine, session.partition, id),
      );
      if (json === true) {
        terminal.out(formatJson({ ...session, live, steering: attempts }));
        return;
      }
      formatTable(HEADINGS, [row(session)]).forEach((line) => terminal.out(line));
      if (live !== null) {
        const { state, seconds, uploadOctets, downloadOctets, interimSeconds, level } = live;
        // The record has what was known when it began; an address comes with the accept.
        const address = live.network?.pointer.address ?? session.address ?? 'no address';
        terminal.out(
          `${state}, ${address}: ${seconds} s, up ${uploadOctets}, down ${downloadOctets}, ` +
            `a report each ${interimSeconds} s, ${level.kind}`,
        );
      }
      attempts.forEach((attempt) => terminal.out(describeAttempt(attempt)));
    });
}

/**
 * Raises the request and waits for its last outcome.
 * @returns null where none came within the time: a daemon must run that reaches the gateway.
 */
async function steer(
  context: CommandContext,
  id: string,
  { kind, waitSeconds }: { readonly kind: SteeringKind; readonly waitSeconds: number },
): Promise<SteeringRecord | null> {
  return withRecord(context, async (pool) => {
    const session = await requireSession(pool, id);
    const { partition, accountId, sessionId } = session;
    const before = new Set((await attemptsOf(pool, session)).map(keyOf));
    const isThere = await withEngine(context, (engine) =>
      raiseSteering(engine, { partition, accountId, sessionId }, { kind, reason: 'demand' }),
    );
    if (!isThere) throw new NotFoundError(`session ${id} is not live any more`);
    const deadline = Date.now() + waitSeconds * 1_000;
    for (;;) {
      const found = (await attemptsOf(pool, session)).find(
        (attempt) => attempt.final && attempt.reason === 'demand' && !before.has(keyOf(attempt)),
      );
      if (found !== undefined) return found;
      if (Date.now() >= deadline) return null;
      await sleep(LOOK_MS);
    }
  });
}

function keyOf({ at, raisedAt, attempt }: SteeringRecord): string {
  return `${raisedAt} ${attempt} ${at}`;
}

function steerCommand(
  context: CommandContext,
  about: { readonly name: string; readonly kind: SteeringKind; readonly description: string },
): Command {
  const { terminal, setExitCode } = context;
  return new Command(about.name)
    .description(about.description)
    .argument('<id>', 'id of the session')
    .option('--wait <s>', 'how long an answer may take', parseCount, 30)
    .option('--json', 'print JSON')
    .action(async (id: string, { wait, json }: SteerFlags) => {
      const record = await steer(context, id, { kind: about.kind, waitSeconds: wait });
      if (record === null || !WELL.has(record.outcome)) setExitCode(EXIT.failed);
      if (json === true) terminal.out(formatJson(record));
      else if (record !== null) terminal.out(describeAttempt(record));
      else {
        terminal.note(
          `no answer within ${wait} s; a running daemon goes on with it, and ` +
            `\`tolld session show ${id}\` has what comes of it. Does the NAS or gateway take such ` +
            'requests from tolld (firewall, port, secret)?',
        );
      }
    });
}

export function sessionCommand(context: CommandContext): Command {
  return new Command('session')
    .description('sessions of the network, and requests to their gateways')
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(
      steerCommand(context, {
        name: 'disconnect',
        kind: 'abort',
        description: 'have a session ended, and say what its NAS or gateway answered',
      }),
    )
    .addCommand(
      steerCommand(context, {
        name: 'change',
        kind: 're-authorise',
        description: 'have a session given its present terms, and say what was answered',
      }),
    );
}
