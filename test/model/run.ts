/** Runs random commands against the scripts and the model side by side, and compares everything. */
import type { OutboxEntry } from '../../src/domain/events.js';
import type { AccountSnapshot } from '../../src/charging/snapshot.js';
import type { ChargingSubject } from '../support/charging-subject.js';
import { Auditor } from './auditor.js';
import { canonical, comparableAccount, comparableEntry, difference } from './comparison.js';
import { askModel, Driver, type Call } from './driver.js';
import type { Command, WorldPlan } from './workload.js';

export interface RunResult {
  readonly calls: number;
  readonly entries: number;
}

/** The scripts did otherwise than the model, or broke an invariant. */
export class DisagreementError extends Error {}

interface Step {
  readonly call: Call;
  readonly expected: string;
  readonly expectedAccounts: readonly string[];
  readonly answer: Promise<unknown>;
  readonly accounts: Promise<readonly (AccountSnapshot | null)[]>;
}

/** @throws DisagreementError that shows the first difference and the calls up to it. */
export async function runCommands(
  subject: ChargingSubject,
  plan: WorldPlan,
  commands: readonly Command[],
): Promise<RunResult> {
  const driver = new Driver(plan);
  const steps: Step[] = [];
  const expectedEntries: OutboxEntry[] = [];

  async function perform(calls: readonly Call[]): Promise<void> {
    for (const call of calls) {
      const alone = takesTwoSteps(driver, call);
      const expected = comparableAnswer(call, askModel(driver.model, call));
      expectedEntries.push(...driver.model.newEntries());
      const expectedAccounts = driver.accounts.map((id) =>
        comparableAccount(driver.model.account(id)),
      );
      // Calls follow each other on one connection, but for one that takes two steps: it waits.
      if (alone) await steps.at(-1)?.accounts;
      const answer = send(subject, call);
      if (alone) await answer;
      const accounts = Promise.all(driver.accounts.map((id) => subject.account(0, id)));
      steps.push({ call, expected, expectedAccounts, answer, accounts });
    }
  }

  await perform(driver.begin());
  for (const command of commands) await perform(driver.calls(command));
  const before = steps.length;
  for (const calls of driver.end()) await perform(calls);

  const auditor = new Auditor();
  let last: readonly (AccountSnapshot | null)[] = [];
  for (const [index, step] of steps.entries()) {
    const answer = await step.answer;
    last = await step.accounts;
    compare(steps, index, 'answer', step.expected, comparableAnswer(step.call, answer));
    for (const [place, expected] of step.expectedAccounts.entries()) {
      compare(steps, index, 'account', expected, comparableAccount(last[place] ?? null));
    }
    auditor.answered(step.call, answer);
  }
  const entries = await subject.newEntries(0);
  for (const [index, entry] of entries.entries()) {
    const expected = expectedEntries[index];
    const text = expected === undefined ? 'no entry' : comparableEntry(expected);
    compare(steps, steps.length - 1, `entry ${index}`, text, comparableEntry(entry));
    auditor.entry(entry);
  }
  if (entries.length < expectedEntries.length) {
    throw new DisagreementError(`the scripts wrote ${entries.length} of ${expectedEntries.length}`);
  }
  auditor.finish(last);
  auditor.ended(last);
  if (auditor.violations.length > 0) {
    throw new DisagreementError(
      `${auditor.violations.slice(0, 5).join('\n')}\n${describeCalls(steps.map(({ call }) => call))}`,
    );
  }
  return { calls: before, entries: entries.length };
}

/** A sweep reads first; a member that left its group is charged again with the owner it had. */
function takesTwoSteps(driver: Driver, call: Call): boolean {
  if (call.kind === 'sweep') return true;
  if (call.kind !== 'charge' && call.kind !== 'settle') return false;
  const { sessionId, sharing } = call.request;
  const owner = driver.model.world.sessions.get(sessionId)?.ownerId ?? null;
  return owner !== null && sharing?.ownerAccountId !== owner;
}

/** Whether a timer of an account came for nothing says nothing: what it did is in the balances. */
function comparableAnswer(call: Call, answer: unknown): string {
  const isTurn = call.kind === 'sweep' && call.timer.member.startsWith('a:');
  const { error } = (answer ?? {}) as { error?: unknown };
  return isTurn && error === undefined ? 'swept' : canonical(answer);
}

async function send(subject: ChargingSubject, call: Call): Promise<unknown> {
  try {
    switch (call.kind) {
      case 'charge':
        return await subject.charge(call.request);
      case 'settle':
        return await subject.settle(call.request);
      case 'enquire':
        return await subject.enquire(call.request);
      case 'credit':
        return await subject.credit(call.request);
      case 'provision':
        return await subject.provision(call.request);
      case 'sweep':
        return await subject.sweep(call.timer, call.now);
    }
  } catch (error) {
    return { error: (error as Error).message };
  }
}

function compare(
  steps: readonly Step[],
  index: number,
  what: string,
  expected: string,
  actual: string,
): void {
  if (expected === actual) return;
  throw new DisagreementError(
    `${what} differs at call ${index}\n  ${difference(expected, actual)}\n` +
      describeCalls(steps.slice(0, index + 1).map(({ call }) => call)),
  );
}

const CALLS_SHOWN = 30;

function describeCalls(calls: readonly Call[]): string {
  return calls
    .map((call, index) => `  ${index} ${describeCall(call)}`)
    .slice(-CALLS_SHOWN)
    .join('\n');
}

function describeCall(call: Call): string {
  if (call.kind === 'sweep') return `sweep ${call.timer.member} at ${call.now}`;
  if (call.kind === 'credit') {
    const { accountId, intentNumber, operations, now } = call.request;
    return `credit ${accountId} #${intentNumber} at ${now} ${canonical(operations)}`;
  }
  if (call.kind === 'provision') {
    const { accountId, standing, profileVersion } = call.request;
    return `provision ${accountId} ${standing} ${profileVersion}`;
  }
  const { request } = call;
  const services = request.services.map(({ key, used, usedAfter, want }) =>
    [
      `${key}:`,
      `used ${used}`,
      ...(usedAfter > 0 ? [`after ${usedAfter}`] : []),
      `ask ${want ?? '-'}`,
    ].join(' '),
  );
  const head = `${call.kind} ${request.phase} ${request.sessionId} #${request.requestNumber}`;
  return `${head} on ${request.accountId} at ${request.now ?? 0}: ${services.join('; ')}`;
}
