/**
 * Reads charging scenarios: text that a charging engineer writes without knowing TypeScript. The
 * head of test/scenarios/charging-consumption.txt explains the lines.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ChargeRequest, ChargeService } from '../../src/charging/charge-request.js';
import type { NewBucket } from '../../src/charging/event-codec.js';
import type {
  AccountProvision,
  CreditOperation,
  CreditRequest,
} from '../../src/charging/provisioning.js';
import type { DueTimer } from '../../src/charging/sweeping.js';
import type { Amount } from '../../src/domain/amounts.js';
import type { AccountStanding } from '../../src/domain/events.js';
import type { SharingMembership } from '../../src/domain/profile.js';
import { START_MS, stamp } from './charge-requests.js';
import {
  newTerms,
  readBucket,
  readMembership,
  readOrder,
  readPolicy,
  readQuota,
  readRate,
  serviceOf,
  type Terms,
} from './scenario-setup.js';
import { parseAmount, parseDuration, parseList, parseUnits, Words } from './scenario-words.js';

export type Action =
  | { readonly kind: 'charge' | 'settle' | 'enquire'; readonly request: ChargeRequest }
  | { readonly kind: 'credit'; readonly request: CreditRequest }
  | { readonly kind: 'provision'; readonly request: AccountProvision }
  | { readonly kind: 'sweep'; readonly timer: DueTimer; readonly now: number }
  | { readonly kind: 'purge'; readonly accountId: string; readonly behind: number }
  | { readonly kind: 'due'; readonly now: number }
  | { readonly kind: 'left'; readonly accountId: string }
  | { readonly kind: 'told' }
  | { readonly kind: 'fence'; readonly closed: boolean };

export interface Step {
  readonly line: number;
  readonly action: Action;
  readonly expected: string | null;
  /** The account whose events need not name it. */
  readonly accountId: string;
  /** Lines of `emits` behind it; null where there are none. */
  emits: string[] | null;
}

export interface Scenario {
  readonly title: string;
  readonly file: string;
  readonly steps: readonly Step[];
}

const DIRECTORY = path.resolve(import.meta.dirname, '../scenarios');

/** The scenarios of a file of test/scenarios. @throws Error that names the line. */
export function readScenarios(file: string): readonly Scenario[] {
  const scenarios: { title: string; file: string; steps: Step[] }[] = [];
  let reader: ScenarioReader | null = null;
  for (const [index, text] of readFileSync(path.join(DIRECTORY, file), 'utf8')
    .split('\n')
    .entries()) {
    if (text.startsWith('#') || text.trim() === '') continue;
    try {
      if (text.startsWith('= ')) {
        reader = new ScenarioReader();
        scenarios.push({ title: text.slice(2).trim(), file, steps: reader.steps });
      } else if (reader === null) {
        throw new Error('no scenario begins before this line');
      } else {
        reader.read(text, index + 1);
      }
    } catch (error) {
      throw new Error(`${file}:${index + 1}: ${(error as Error).message}: ${text}`, {
        cause: error,
      });
    }
  }
  return scenarios;
}

const PHASES = ['initial', 'update', 'terminate', 'event'] as const;

class ScenarioReader {
  readonly steps: Step[] = [];
  readonly #terms: Terms = newTerms();
  readonly #memberships = new Map<string, SharingMembership>();
  readonly #profiles = new Map<string, number>();
  readonly #intents = new Map<string, number>();
  #granting: { readonly accountId: string; readonly operations: CreditOperation[] } | null = null;
  #accountId = 'A';
  #now = START_MS;
  #line = 0;

  read(text: string, line: number): void {
    this.#line = line;
    const arrow = text.indexOf('->');
    const expected = arrow < 0 ? null : text.slice(arrow + 2);
    const words = new Words(arrow < 0 ? text : text.slice(0, arrow));
    const verb = words.next('a word');
    if (!this.#declare(verb, words)) this.#act(verb, words, expected);
    words.end();
  }

  /** Lines that say what holds for the steps behind them. */
  #declare(verb: string, words: Words): boolean {
    const terms = this.#terms;
    switch (verb) {
      case 'account':
        this.#open(words.next('the name of the account'));
        return true;
      case 'bucket':
        this.#grant(readBucket(words));
        return true;
      case 'rate':
        terms.rates.push(readRate(words, terms.rates.length + 1));
        return true;
      case 'rates':
        // New terms from here on, as a new version of a tariff.
        words.take('anew');
        terms.rates = [];
        return true;
      case 'quota':
        terms.quota = readQuota(words, terms.quota);
        return true;
      case 'policy':
        terms.policy = readPolicy(words, terms.policy);
        return true;
      case 'order':
        readOrder(words, terms);
        return true;
      case 'zones':
        terms.zones = words.empty ? [] : parseList(words.next('zones'));
        return true;
      case 'context':
        terms.context = words.next('the context');
        return true;
      case 'band':
        terms.bands = [
          ...terms.bands,
          {
            band: words.next('the band'),
            fromMs: START_MS + (words.after('from', parseDuration) ?? 0),
            untilMs: START_MS + (words.after('until', parseDuration) ?? 0),
          },
        ];
        return true;
      case 'member': {
        const { member, sharing } = readMembership(words);
        this.#memberships.set(member, sharing);
        return true;
      }
      case 'left-group':
        this.#memberships.delete(words.next('the member'));
        return true;
      case 'at':
        this.#now = START_MS + parseDuration(words.next('the time'));
        return true;
      default:
        return false;
    }
  }

  #act(verb: string, words: Words, expected: string | null): void {
    const phase = PHASES.find((each) => each === verb);
    if (phase !== undefined) {
      this.#push({ kind: 'charge', request: this.#request(phase, words) }, expected);
    } else if (verb === 'settle' || verb === 'enquire') {
      const inner = words.oneOf(PHASES, 'the kind of request');
      this.#push({ kind: verb, request: this.#request(inner, words) }, expected);
    } else if (verb === 'credit') {
      this.#push({ kind: 'credit', request: this.#credit(words) }, expected);
    } else if (verb === 'standing' || verb === 'profile') {
      this.#push({ kind: 'provision', request: this.#provision(verb, words) }, expected);
    } else if (verb === 'sweep') {
      const kind = words.oneOf(['session', 'account'], 'what is swept');
      const member = `${kind === 'session' ? 's' : 'a'}:${words.next('its name')}`;
      this.#push({ kind: 'sweep', timer: { partition: 0, member }, now: this.#now }, expected);
    } else if (verb === 'purge') {
      const behind = words.after('behind', Number) ?? 0;
      this.#push({ kind: 'purge', accountId: this.#accountId, behind }, expected);
    } else if (verb === 'due') {
      this.#push({ kind: 'due', now: this.#now }, expected);
    } else if (verb === 'told') {
      this.#push({ kind: 'told' }, expected);
    } else if (verb === 'left') {
      const accountId = words.after('on', String) ?? this.#accountId;
      const rest: string[] = [];
      while (!words.empty) rest.push(words.next(''));
      this.#push({ kind: 'left', accountId }, rest.join(' ').replaceAll(' ;', ';'));
    } else if (verb === 'fence' || verb === 'unfence') {
      this.#push({ kind: 'fence', closed: verb === 'fence' }, null);
    } else if (verb === 'emits') {
      const rest: string[] = [];
      while (!words.empty) rest.push(words.next(''));
      const step = this.steps.at(-1);
      if (step === undefined) throw new Error('nothing emits before the first step');
      (step.emits ??= []).push(...(rest[0] === 'nothing' ? [] : [rest.join(' ')]));
    } else {
      throw new Error(`"${verb}" begins no line`);
    }
  }

  #push(action: Action, expected: string | null, accountId = this.#accountId): void {
    if (action.kind !== 'left') this.#granting = null;
    this.steps.push({ line: this.#line, action, expected, accountId, emits: null });
  }

  #open(accountId: string): void {
    this.#accountId = accountId;
    this.#profiles.set(accountId, 1);
    this.#push(
      {
        kind: 'provision',
        request: {
          partition: 0,
          accountId,
          standing: 'active',
          profileVersion: 1,
          stamp,
          now: this.#now,
        },
      },
      'changed',
    );
  }

  /** Buckets that stand under each other are one intent. */
  #grant(bucket: NewBucket): void {
    if (!this.#profiles.has(this.#accountId)) this.#open(this.#accountId);
    if (this.#granting?.accountId !== this.#accountId) {
      const operations: CreditOperation[] = [];
      const request = this.#creditOf(this.#nextIntent(this.#accountId), 'grant', operations);
      this.#push({ kind: 'credit', request }, 'applied');
      this.#granting = { accountId: this.#accountId, operations };
    }
    this.#granting.operations.push({ operation: 'grant', bucket });
  }

  #nextIntent(accountId: string): number {
    const number = (this.#intents.get(accountId) ?? 0) + 1;
    this.#intents.set(accountId, number);
    return number;
  }

  #creditOf(
    intentNumber: number,
    kind: CreditRequest['kind'],
    operations: readonly CreditOperation[],
    accountId = this.#accountId,
  ): CreditRequest {
    return {
      partition: 0,
      accountId,
      intentNumber,
      intentId: `intent-${intentNumber}`,
      kind,
      reason: null,
      operations,
      stamp,
      now: this.#now,
    };
  }

  /** "s #1 [on A] [profile 2] [cause x] 10: used 5 ask 10; 12: used 3" */
  #request(phase: (typeof PHASES)[number], words: Words): ChargeRequest {
    const sessionId = words.next('the session');
    const number = words.next('the number of the request');
    if (!/^#\d+$/.test(number)) throw new Error(`"${number}" is no number such as #0`);
    const accountId = words.after('on', String) ?? this.#accountId;
    const profileVersion = words.after('profile', Number) ?? this.#profiles.get(accountId) ?? 1;
    const cause = words.after('cause', String) ?? null;
    const action: { kind: 'debit' | 'refund' } = { kind: 'debit' };
    const services: ChargeService[] = [];
    while (!words.empty) services.push(this.#service(words, action));
    return {
      partition: 0,
      accountId,
      profileVersion,
      sessionId,
      requestNumber: Number(number.slice(1)),
      phase,
      stamp,
      policy: this.#terms.policy,
      services,
      cause,
      action: action.kind,
      sharing: this.#memberships.get(accountId) ?? null,
      now: this.#now,
    };
  }

  #service(words: Words, action: { kind: 'debit' | 'refund' }): ChargeService {
    const group = /^\d+:$/.test(words.peek()) ? Number.parseInt(words.next('the group'), 10) : 1;
    const service = serviceOf(this.#terms, group);
    let { used, usedAfter, want, reason } = service;
    while (!words.empty && !/^\d+:$/.test(words.peek())) {
      if (words.take(';')) break;
      const word = words.next('what is reported or asked');
      const units = (): Amount => parseUnits(words.next(`the units of ${word}`));
      if (word === 'used' || word === 'take') used = units();
      else if (word === 'used-after') usedAfter = units();
      else if (word === 'ask') want = units();
      else if (word === 'reason') reason = words.next('the reason');
      else if (word === 'give') [used, action.kind] = [units(), 'refund'];
      else throw new Error(`a service has no "${word}"`);
    }
    return { ...service, used, usedAfter, want, reason };
  }

  /** "[on A] [#2] add cash 10; floor cash -5; end free 1h; state free inactive; …" */
  #credit(words: Words): CreditRequest {
    const accountId = words.after('on', String) ?? this.#accountId;
    const given = /^#\d+$/.test(words.peek()) ? Number(words.next('number').slice(1)) : null;
    const number = given ?? this.#nextIntent(accountId);
    if (given !== null) {
      this.#intents.set(accountId, Math.max(given, this.#intents.get(accountId) ?? 0));
    }
    const kinds = ['top-up', 'adjustment', 'reversal', 'transfer'] as const;
    const kind = kinds.find((each) => words.take(each)) ?? 'top-up';
    const operations: CreditOperation[] = [];
    while (!words.empty) {
      const part: string[] = [];
      while (!words.empty && !words.take(';')) part.push(words.next(''));
      operations.push(this.#operation(new Words(part.join(' '))));
    }
    return this.#creditOf(number, kind, operations, accountId);
  }

  #operation(words: Words): CreditOperation {
    const operation = words.oneOf(
      ['grant', 'add', 'take', 'floor', 'end', 'state', 'correct', 'thresholds'],
      'what the credit does',
    );
    if (operation === 'grant') return { operation, bucket: readBucket(words) };
    if (operation === 'thresholds') return this.#thresholds(words);
    const bucketId = words.next('the bucket');
    const value = words.next('the value');
    const ofGranted = words.after('granted', String);
    const resource = words.empty ? 'EUR' : words.next('the resource');
    words.end();
    switch (operation) {
      case 'add':
        return {
          operation,
          bucketId,
          amount: parseAmount(value, resource),
          ...(ofGranted !== undefined && { granted: parseAmount(ofGranted, resource) }),
        };
      case 'take':
        return { operation, bucketId, amount: parseAmount(value, resource) };
      case 'correct':
        return { operation, bucketId, resource, amount: parseAmount(value, resource) };
      case 'floor':
        return {
          operation: 'set-floor',
          bucketId,
          floor: value === 'none' ? null : parseAmount(value, resource),
        };
      case 'end':
        return {
          operation: 'set-end',
          bucketId,
          endsAt: value === 'never' ? null : START_MS + parseDuration(value),
        };
      case 'state':
        return { operation: 'set-state', bucketId, state: value as 'active' };
    }
  }

  /** "few octets 20% | gone EUR 0 bundle gold | low EUR 5 told" */
  #thresholds(words: Words): CreditOperation {
    const thresholds = [];
    while (!words.empty) {
      const id = words.next('the threshold');
      const resource = words.next('its resource');
      const level = words.next('its level');
      const bundleId = words.after('bundle', String) ?? null;
      const lowBalance = words.take('told');
      words.take('|');
      thresholds.push({
        id,
        resource,
        bundleId,
        lowBalance,
        level: level.endsWith('%')
          ? { percent: Number(level.slice(0, -1)) }
          : { amount: parseAmount(level, resource) },
      });
    }
    return { operation: 'set-thresholds', thresholds };
  }

  #provision(verb: 'standing' | 'profile', words: Words): AccountProvision {
    const accountId = words.next('the account');
    const value = words.next('the value');
    const before = this.#profiles.get(accountId) ?? 1;
    const profileVersion =
      verb === 'profile' ? Number(value) : (words.after('profile', Number) ?? before);
    this.#profiles.set(accountId, Math.max(profileVersion, before));
    return {
      partition: 0,
      accountId,
      standing: verb === 'standing' ? (value as AccountStanding) : 'active',
      profileVersion,
      stamp,
      now: this.#now,
    };
  }
}
