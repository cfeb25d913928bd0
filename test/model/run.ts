/** Runs random commands against the scripts and the model side by side, and compares everything. */
import type { AccountSnapshot } from '../../src/charging/snapshot.js';
import type { OutboxEntry } from '../../src/domain/events.js';
import type { ChargingSubject, SessionState } from '../support/charging-subject.js';
import { Auditor } from './auditor.js';
import { sessionOf } from './audited-step.js';
import { describeCalls } from './call-words.js';
import {
  alike,
  alikeEntries,
  canonical,
  comparableAccount,
  comparableEntry,
  comparableSession,
  difference,
} from './comparison.js';
import { askModel, Driver, type Call } from './driver.js';
import type { Command, WorldPlan } from './workload.js';

export interface RunResult {
  readonly calls: number;
  readonly entries: number;
}

/** The scripts did otherwise than the model, or broke an invariant. */
export class DisagreementError extends Error {}

/** One call: what the model made of it, and what the scripts do. */
interface Step {
  readonly call: Call;
  readonly expected: unknown;
  readonly expectedEntries: readonly OutboxEntry[];
  readonly expectedAccounts: ReadonlyMap<string, AccountSnapshot | null>;
  readonly expectedSession: SessionState | null;
  readonly answer: Promise<unknown>;
  readonly accounts: Promise<readonly (AccountSnapshot | null)[]>;
  readonly session: Promise<SessionState | null>;
}

export interface RunHooks {
  /** Between two calls; what it waits for, the next call waits for. */
  readonly betweenCalls?: (count: number) => Promise<void> | null;
  /**
   * Nothing is read between calls, so that those of one turn travel together: only answers and entries
   * are compared, and what is left in the end.
   */
  readonly together?: boolean;
}

/** @throws DisagreementError that shows the first difference and the calls up to it. */
export async function runCommands(
  subject: ChargingSubject,
  plan: WorldPlan,
  commands: readonly Command[],
  hooks: RunHooks = {},
): Promise<RunResult> {
  const driver = new Driver(plan);
  const steps: Step[] = [];

  async function perform(calls: readonly Call[]): Promise<void> {
    for (const call of calls) {
      const alone = takesTwoSteps(driver, call);
      const expected = await caught(() => askModel(driver.model, call));
      const sessionId = hooks.together === true ? null : sessionOf(call);
      const named = hooks.together === true ? [] : accountsToRead(driver, call, steps.length);
      const waiting = hooks.betweenCalls?.(steps.length) ?? null;
      // What is no script's call goes before those that wait for the end of the turn.
      const overtakes = hooks.together === true && (call.kind === 'sweep' || call.kind === 'fence');
      if (waiting !== null || overtakes) await settled(steps.at(-1));
      await waiting;
      // Calls follow each other on one connection; one that takes two steps is waited for.
      const answer = caught(() => send(subject, call));
      if (alone) await answer;
      steps.push({
        call,
        expected,
        expectedEntries: driver.model.newEntries(),
        expectedAccounts: new Map(named.map((id) => [id, driver.model.account(id)])),
        expectedSession: sessionId === null ? null : driver.model.session(sessionId),
        answer,
        accounts: Promise.all(named.map((id) => subject.account(0, id))),
        session: sessionId === null ? Promise.resolve(null) : subject.session(0, sessionId),
      });
    }
  }

  await perform(driver.begin());
  for (const command of commands) await perform(driver.calls(command));
  const count = steps.length;
  await perform(driver.end());
  await settled(steps.at(-1));
  const entries = await subject.newEntries(0);
  const ended = await Promise.all(driver.accounts.map((id) => subject.account(0, id)));
  const auditor = hooks.together === true ? null : new Auditor();
  await compareAll(steps, { entries, ended, auditor });
  for (const [place, id] of driver.accounts.entries()) {
    const [left, found] = [driver.model.account(id), ended[place] ?? null].map(comparableAccount);
    if (alike(left, found)) continue;
    disagree(steps, steps.length - 1, `account ${id}`, canonical(left), canonical(found));
  }
  const [told, expected] = [await subject.told(0), [...driver.model.world.told].toSorted()];
  if (!alike(told, expected)) {
    disagree(steps, steps.length - 1, 'told to ask again', canonical(expected), canonical(told));
  }
  return { calls: count, entries: entries.length };
}

/** What a run has left behind. */
interface Left {
  readonly entries: readonly OutboxEntry[];
  readonly ended: readonly (AccountSnapshot | null)[];
  /** Null where nothing was read between the calls. */
  readonly auditor: Auditor | null;
}

async function compareAll(
  steps: readonly Step[],
  { entries, ended, auditor }: Left,
): Promise<void> {
  let seen = 0;
  for (const [index, step] of steps.entries()) {
    const { call, expectedEntries, expectedAccounts } = step;
    const [answer, read, session] = await Promise.all([step.answer, step.accounts, step.session]);
    const accounts = new Map(
      [...expectedAccounts.keys()].map((id, place) => [id, read[place] ?? null]),
    );
    const own = entries.slice(seen, seen + expectedEntries.length);
    seen += expectedEntries.length;

    const check = (what: string, expected: unknown, actual: unknown): void => {
      if (!alike(expected, actual))
        disagree(steps, index, what, canonical(expected), canonical(actual));
    };
    check('answer', comparableAnswer(call, step.expected), comparableAnswer(call, answer));
    for (const [id, expected] of expectedAccounts) {
      check(
        `account ${id}`,
        comparableAccount(expected),
        comparableAccount(accounts.get(id) ?? null),
      );
    }
    check('session', comparableSession(step.expectedSession), comparableSession(session));
    for (const [place, expected] of expectedEntries.entries()) {
      const actual = own[place];
      if (actual === undefined || !alikeEntries(expected, actual)) {
        const text = actual === undefined ? 'no entry' : comparableEntry(actual);
        disagree(steps, index, 'entry', comparableEntry(expected), text);
      }
    }
    if (auditor === null) continue;
    auditor.step({ call, answer, entries: own, accounts, session });
    if (auditor.violations.length > 0) violated(auditor, steps.slice(0, index + 1));
  }
  if (entries.length !== seen) {
    throw new DisagreementError(`the scripts wrote ${entries.length} entries, the model ${seen}`);
  }
  if (auditor === null) return;
  auditor.finish(ended);
  auditor.ended(ended);
  if (auditor.violations.length > 0) violated(auditor, steps);
}

async function settled(step: Step | undefined): Promise<void> {
  if (step !== undefined) await Promise.all([step.answer, step.accounts, step.session]);
}

/** The accounts that a call may change, and in turn one that it must not. */
function accountsToRead(driver: Driver, call: Call, turn: number): readonly string[] {
  const { accounts } = driver;
  const named = accounts[turn % accounts.length] ?? 'A';
  switch (call.kind) {
    case 'charge':
    case 'settle':
    case 'enquire':
      // Whoever owns the group owns it in every run.
      return [...new Set([call.request.accountId, accounts.at(-1) ?? 'A', named])];
    case 'credit':
    case 'provision':
      return [...new Set([call.request.accountId, named])];
    case 'purge':
      return [...new Set([call.accountId, named])];
    case 'sweep':
    case 'fence':
      return accounts;
  }
}

/**
 * A sweep reads first; a member that left its group is charged again with the owner it had; and where
 * other sessions wait for units, with the keys by which they are told.
 */
function takesTwoSteps(driver: Driver, call: Call): boolean {
  if (call.kind === 'sweep') return true;
  if (call.kind !== 'charge' && call.kind !== 'settle') return false;
  const { accountId, sessionId, sharing } = call.request;
  const { accounts } = driver.model.world;
  const waits = [accountId, driver.accounts.at(-1) ?? 'A'].some(
    (id) => accounts.get(id)?.starved.some((other) => other !== sessionId) === true,
  );
  return waits || ((sharing ?? null) === null && driver.isMember(accountId));
}

/** Whether a timer of an account came for nothing says nothing: what it did is in the balances. */
function comparableAnswer(call: Call, answer: unknown): unknown {
  const isTurn = call.kind === 'sweep' && call.timer.member.startsWith('a:');
  const { error } = (answer ?? {}) as { error?: unknown };
  return isTurn && error === undefined ? 'swept' : answer;
}

async function caught(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    return { error: (error as Error).message };
  }
}

function send(subject: ChargingSubject, call: Call): Promise<unknown> {
  switch (call.kind) {
    case 'charge':
      return subject.charge(call.request);
    case 'settle':
      return subject.settle(call.request);
    case 'enquire':
      return subject.enquire(call.request);
    case 'credit':
      return subject.credit(call.request);
    case 'provision':
      return subject.provision(call.request);
    case 'sweep':
      return subject.sweep(call.timer, call.now);
    case 'purge':
      return subject.purge(0, call.accountId, call.recorded);
    case 'fence':
      return subject.fence(0, call.closed).then(() => null);
  }
}

function disagree(
  steps: readonly Step[],
  index: number,
  what: string,
  expected: string,
  actual: string,
): never {
  throw new DisagreementError(
    `${what} differs at call ${index}\n  ${difference(expected, actual)}\n` +
      describeCalls(steps.slice(0, index + 1).map(({ call }) => call)),
  );
}

function violated(auditor: Auditor, steps: readonly Step[]): never {
  throw new DisagreementError(
    `${auditor.violations.slice(0, 5).join('\n')}\n${describeCalls(steps.map(({ call }) => call))}`,
  );
}
