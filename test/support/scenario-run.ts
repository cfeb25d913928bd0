/** Runs a charging scenario against the scripts, or against the model. */
import type { ChargedService, ChargeOutcome } from '../../src/charging/charge-outcome.js';
import type { CreditOutcome } from '../../src/charging/provisioning.js';
import { PartitionFencedError } from '../../src/charging/provisioning.js';
import { START_MS } from './charge-requests.js';
import type { ChargingSubject } from './charging-subject.js';
import { describeEntry, describeHolding } from './scenario-events.js';
import { formatAmount, formatDuration, formatUnits, parseDuration } from './scenario-words.js';
import type { Action, Scenario, Step } from './scenario.js';

/** @throws Error that names the line, what it expects and what came instead. */
export async function runScenario(scenario: Scenario, subject: ChargingSubject): Promise<void> {
  for (const step of scenario.steps) {
    const place = `${scenario.file}:${step.line}`;
    try {
      const actual = await perform(step, subject);
      if (step.expected !== null) compare(place, 'answer', normal(step.expected), normal(actual));
      await checkEvents(step, subject, place);
    } catch (error) {
      if (error instanceof ScenarioError) throw error;
      throw new ScenarioError(`${place}: ${(error as Error).message}`, { cause: error });
    }
  }
}

class ScenarioError extends Error {}

async function checkEvents(step: Step, subject: ChargingSubject, place: string): Promise<void> {
  if (step.action.kind === 'left' || step.action.kind === 'told') return;
  const entries = await subject.newEntries(0);
  if (step.emits === null) return;
  const lines = entries.flatMap((entry) => describeEntry(entry, step.accountId));
  compare(place, 'events', step.emits.map(normal).join('\n'), lines.map(normal).join('\n'));
}

function compare(place: string, what: string, expected: string, actual: string): void {
  if (expected === actual) return;
  throw new ScenarioError(
    `${place}: another ${what}\n  expected  ${expected.replaceAll('\n', '\n            ')}\n` +
      `  got       ${actual.replaceAll('\n', '\n            ')}`,
  );
}

/** One spelling: "600s" is "10m", and spaces align what they like. */
function normal(text: string): string {
  return text
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/\b(for|change) (-?\d\w*)/g, (all, word: string, time: string) =>
      /[a-z]$/.test(time) ? `${word} ${formatDuration(parseDuration(time))}` : all,
    );
}

async function perform(step: Step, subject: ChargingSubject): Promise<string> {
  const { action, expected } = step;
  switch (action.kind) {
    case 'charge':
    case 'settle':
      return describeOutcome(await subject[action.kind](action.request), expected ?? '');
    case 'enquire': {
      const outcome = await subject.enquire(action.request);
      return outcome.kind === 'enquired'
        ? `covers ${outcome.covered.map(formatUnits).join(' ')}`
        : `refused ${outcome.refusal}`;
    }
    case 'credit':
      return describeCredit(await fencedOr(subject.credit(action.request)));
    case 'provision': {
      const changed = await fencedOr(subject.provision(action.request));
      return typeof changed === 'string' ? changed : changed ? 'changed' : 'unchanged';
    }
    case 'sweep':
      return (await subject.sweep(action.timer, action.now)).kind;
    case 'purge': {
      const account = await subject.account(0, action.accountId);
      const recorded = (account?.sequence ?? 0) - action.behind;
      const dropped = await subject.purge(0, action.accountId, recorded);
      return dropped === null ? 'not yet' : `dropped ${dropped}`;
    }
    case 'due':
      return (await subject.dueTimers(0, action.now))
        .map(
          ({ member }) => `${member.startsWith('s:') ? 'session' : 'account'} ${member.slice(2)}`,
        )
        .toSorted()
        .join(', ');
    case 'left':
      return describeLeft(action, expected ?? '', subject);
    case 'told':
      return (await subject.told(0)).join(', ');
    case 'fence':
      await subject.fence(0, action.closed);
      return '';
  }
}

async function fencedOr<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof PartitionFencedError) return 'refused fenced';
    throw error;
  }
}

async function describeLeft(
  action: Extract<Action, { kind: 'left' }>,
  expected: string,
  subject: ChargingSubject,
): Promise<string> {
  const account = await subject.account(0, action.accountId);
  if (account === null) return 'no account';
  return expected
    .split(';')
    .map((part) => part.trim().split(' ')[0] ?? '')
    .map((id) => {
      const bucket = account.buckets.find(({ bucketId }) => bucketId === id);
      return bucket === undefined ? `${id} gone` : describeHolding(bucket);
    })
    .join('; ');
}

function describeCredit(outcome: CreditOutcome | string): string {
  if (typeof outcome === 'string') return outcome;
  switch (outcome.kind) {
    case 'applied':
      return [
        'applied',
        ...(outcome.sessions.length > 0 ? ['names'] : []),
        ...outcome.sessions,
      ].join(' ');
    case 'refused':
      return `refused ${outcome.reason}`;
    case 'out-of-order':
      return `out-of-order after ${outcome.lastApplied}`;
    case 'repeated':
    case 'unknown-account':
      return outcome.kind;
  }
}

function describeOutcome(outcome: ChargeOutcome, expected: string): string {
  switch (outcome.kind) {
    case 'refused':
      return `refused ${outcome.refusal}`;
    case 'other-account':
      return `other-account ${outcome.accountId}`;
    case 'answered': {
      if (outcome.services.length === 0) return `${outcome.repeated ? 'again ' : ''}answered`;
      const parts = expected.split(';');
      const services = outcome.services.map((service, index) =>
        describeService(service, new Set((parts[index] ?? parts[0] ?? '').trim().split(/\s+/))),
      );
      const low = outcome.lowBalance ? 'low ' : '';
      return `${outcome.repeated ? 'again ' : ''}${low}${services.join('; ')}`;
    }
  }
}

const RESULT_WORDS: Readonly<Record<ChargedService['result'], string>> = {
  settled: 'settled',
  granted: 'granted',
  'credit-limit-reached': 'limit',
  'service-denied': 'denied',
  'authorization-rejected': 'rejected',
  superseded: 'superseded',
  'rating-failed': 'rating-failed',
  'not-chargeable': 'not-chargeable',
};

/** Says the group, the validity, the cost and the change time where the expectation does. */
function describeService(service: ChargedService, mentioned: ReadonlySet<string>): string {
  const { key, result, granted, validitySeconds, last, cost, currency, tariffChangeAt } = service;
  return [
    ...(mentioned.has(`${key}:`) ? [`${key}:`] : []),
    RESULT_WORDS[result],
    ...(result === 'granted' ? [formatUnits(granted)] : []),
    ...(last === 'no' ? [] : [last]),
    ...(mentioned.has('for') ? ['for', formatDuration(validitySeconds * 1000)] : []),
    ...(mentioned.has('cost') ? ['cost', formatAmount(cost, currency ?? 'EUR')] : []),
    ...(mentioned.has('change')
      ? ['change', tariffChangeAt === null ? 'never' : formatDuration(tariffChangeAt - START_MS)]
      : []),
  ].join(' ');
}
