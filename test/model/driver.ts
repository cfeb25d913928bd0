/**
 * Makes calls of random commands, as a gateway, a network and staff would: it knows the sessions it
 * opened, what it was granted and what it has sent. The model answers each call at once, and so
 * says what the next can be; the same calls then go to the scripts.
 */
import type { ChargeRequest, ChargeService } from '../../src/charging/charge-request.js';
import type {
  AccountProvision,
  AccountThreshold,
  CreditOperation,
  CreditRequest,
} from '../../src/charging/provisioning.js';
import type { DueTimer } from '../../src/charging/sweeping.js';
import { AMOUNT_MAX, toAmount, ZERO, type Amount } from '../../src/domain/amounts.js';
import type { AccountStanding } from '../../src/domain/events.js';
import { chargeService, START_MS, stamp } from '../support/charge-requests.js';
import { ChargingModel } from './charging-model.js';
import {
  GROUPS,
  type AskPlan,
  type Command,
  type CreditPlan,
  type ThresholdPlan,
  type Use,
  type WorldPlan,
} from './workload.js';

export type Call =
  | { readonly kind: 'charge' | 'settle' | 'enquire'; readonly request: ChargeRequest }
  | { readonly kind: 'credit'; readonly request: CreditRequest }
  | { readonly kind: 'provision'; readonly request: AccountProvision }
  | { readonly kind: 'sweep'; readonly timer: DueTimer; readonly now: number }
  | { readonly kind: 'purge'; readonly accountId: string; readonly recorded: number }
  | { readonly kind: 'fence'; readonly closed: boolean };

const ACCOUNT_NAMES = ['A', 'B', 'C'] as const;

interface KnownSession {
  readonly id: string;
  readonly accountId: string;
  nextNumber: number;
}

export class Driver {
  readonly model = new ChargingModel();
  readonly #plan: WorldPlan;
  readonly #accounts: readonly string[];
  readonly #sessions = new Map<number, KnownSession>();
  readonly #intents = new Map<string, number>();
  readonly #profiles = new Map<string, number>();
  readonly #sent: ChargeRequest[] = [];
  #bucketCount = 0;
  #sessionCount = 0;
  #now = START_MS;

  constructor(plan: WorldPlan) {
    this.#plan = plan;
    this.#accounts = plan.accounts.map((_, index) => ACCOUNT_NAMES[index] ?? 'A');
  }

  get accounts(): readonly string[] {
    return this.#accounts;
  }

  /** Whether an account may draw on the owner of a group, unless it has left that. */
  isMember(accountId: string): boolean {
    return (this.#plan.accounts[this.#accounts.indexOf(accountId)]?.sharing ?? null) !== null;
  }

  /** The calls that make the world. */
  begin(): readonly Call[] {
    return this.#plan.accounts.flatMap(({ buckets, thresholds }, index): Call[] => {
      const accountId = this.#accounts[index] ?? 'A';
      this.#profiles.set(accountId, 1);
      this.#intents.set(accountId, 1);
      const operations = buckets.map((bucket, place): CreditOperation => ({
        operation: 'grant',
        bucket: { ...bucket, bucketId: `${accountId}.${place}` },
      }));
      return [
        { kind: 'provision', request: this.#provision(accountId, 'active', 1) },
        {
          kind: 'credit',
          request: this.#credit(accountId, 1, [
            ...operations,
            { operation: 'set-thresholds', thresholds: namedThresholds(thresholds) },
          ]),
        },
      ];
    });
  }

  /** The calls of a command; none where it has no meaning now. The model has not seen them yet. */
  calls(command: Command): readonly Call[] {
    switch (command.kind) {
      case 'clock':
        this.#now = this.#clock(command);
        return [];
      case 'clock-back': {
        // Everybody has seen the time before it goes back: nobody may see it run backwards.
        const calls = this.#accounts.map((accountId): Call => this.#lift(accountId));
        this.#now -= command.ms;
        return calls;
      }
      case 'request':
        return fencedIf(command.fenced, this.#request(command));
      case 'again':
        return this.#again(command);
      case 'credit':
        return fencedIf(command.fenced, this.#creditCall(command));
      case 'provision': {
        const accountId = this.#account(command.account);
        const known = this.#profiles.get(accountId) ?? 1;
        const version = known + command.version;
        this.#profiles.set(accountId, Math.max(known, version));
        return [
          { kind: 'provision', request: this.#provision(accountId, command.standing, version) },
        ];
      }
      case 'sweep':
        return this.#sweep(command);
      case 'purge': {
        const accountId = this.#account(command.account);
        const sequence = this.model.world.accounts.get(accountId)?.sequence ?? 0;
        return [{ kind: 'purge', accountId, recorded: sequence - command.behind }];
      }
    }
  }

  /** Ends everything: open sessions fall silent, finished ones are forgotten, buckets end. */
  end(): readonly Call[] {
    this.#now += 3_600_000;
    return this.#due();
  }

  #clock(command: { readonly ms: number; readonly toEnd: boolean }): number {
    const { accounts, sessions } = this.model.world;
    // To the instant at which something ends, or just before it: what breaks, breaks there.
    const ends = command.toEnd
      ? [
          ...[...accounts.values()].flatMap(({ buckets }) => buckets.map(({ endsAt }) => endsAt)),
          ...[...sessions.values()].map(({ deadline }) => deadline),
          ...this.#plan.groups.flatMap(({ windows }) => windows.map(({ untilMs }) => untilMs)),
        ].filter((at): at is number => at !== null && at > this.#now && at < this.#now + 3_600_000)
      : [];
    const [end] = ends.toSorted((a, b) => a - b);
    return end === undefined ? this.#now + command.ms : end - (command.ms % 2);
  }

  #account(index: number): string {
    return this.#accounts[index % this.#accounts.length] ?? 'A';
  }

  #session(index: number, insist: boolean): KnownSession {
    const known = this.#sessions.get(index);
    const state = known && this.model.world.sessions.get(known.id)?.state;
    const goesOn = known !== undefined && (insist || state === 'open' || known.nextNumber === 0);
    if (goesOn) return known;
    const session = {
      id: `s${this.#sessionCount}`,
      accountId: this.#account(index),
      nextNumber: 0,
    };
    this.#sessionCount += 1;
    this.#sessions.set(index, session);
    return session;
  }

  #request(command: Extract<Command, { kind: 'request' }>): readonly Call[] {
    const isEvent = command.phase === 'event' || command.phase === 'refund';
    const session =
      isEvent && !command.insist
        ? { id: `e${this.#sent.length}`, accountId: this.#account(command.session), nextNumber: 0 }
        : this.#session(command.session, command.insist);
    const requestNumber = Math.max(0, session.nextNumber + command.offset);
    const auto = requestNumber === 0 ? 'initial' : 'update';
    const phase = isEvent ? 'event' : command.phase === 'auto' ? auto : command.phase;
    const accountId = command.wrong === 'account' ? this.#account(1) : session.accountId;
    const profile = this.#profiles.get(accountId) ?? 1;
    const membership = this.#plan.accounts[this.#accounts.indexOf(accountId)]?.sharing ?? null;
    const sharing =
      membership === null || command.alone
        ? null
        : { ...membership, ownerAccountId: this.#accounts.at(-1) ?? 'A' };
    const request: ChargeRequest = {
      partition: 0,
      accountId,
      profileVersion: command.wrong === 'profile' ? profile + 1 : profile,
      sessionId: session.id,
      requestNumber,
      phase,
      stamp,
      policy: this.#plan.policy,
      services: command.asks.map((ask) => this.#service(session.id, ask, isEvent)),
      cause: phase === 'terminate' ? 'logout' : null,
      action: command.phase === 'refund' ? 'refund' : 'debit',
      sharing,
      now: this.#now,
    };
    session.nextNumber = Math.max(session.nextNumber, requestNumber + 1);
    if (command.script !== 'enquire') this.#sent.push(request);
    return [{ kind: command.script, request }];
  }

  #service(sessionId: string, plan: AskPlan, isEvent: boolean): ChargeService {
    const group = GROUPS[plan.group] ?? 1;
    const terms = this.#plan.groups[plan.group];
    if (terms === undefined) throw new Error('a group without terms');
    const key = String(group);
    const granted = this.#granted(sessionId, key);
    const used = (use: Use): Amount =>
      toAmount(Math.min(AMOUNT_MAX, Math.floor((granted * use.percent) / 100) + use.more));
    return chargeService({
      key,
      ratingGroup: group,
      unit: terms.unit,
      used: isEvent ? toAmount((plan.want ?? 0) % 40) : used(plan.used),
      usedAfter: isEvent ? ZERO : used(plan.usedAfter),
      want: isEvent || plan.want === null ? null : toAmount(plan.want),
      quota: terms.quota,
      windows: terms.windows,
      unitOrder: this.#plan.unitOrder,
      moneyOrder: this.#plan.moneyOrder,
      serviceContext: plan.group === 0 ? 'data@test' : 'voice@test',
      zones: terms.zones,
      bands: [{ band: 'night', fromMs: START_MS + 60_000, untilMs: START_MS + 300_000 }],
      reason: plan.reason,
      pooled: plan.pooled,
    });
  }

  /** What the gateway was last granted for a service of a session. */
  #granted(sessionId: string, key: string): number {
    const answers = this.model.world.sessions.get(sessionId)?.answers;
    const newest = [...(answers ?? [])].toSorted(([a], [b]) => b - a);
    for (const [, { outcome }] of newest) {
      const service =
        outcome.kind === 'answered' ? outcome.services.find((each) => each.key === key) : undefined;
      if (service !== undefined) return service.granted;
    }
    return 0;
  }

  #again(command: Extract<Command, { kind: 'again' }>): readonly Call[] {
    const request = this.#sent.at(-1 - command.back);
    if (request === undefined) return [];
    // The time it comes at has nothing to do with what it says.
    const again = { ...request, now: this.#now, profileVersion: this.#profileOf(request) };
    if (!command.changed) return [{ kind: 'charge', request: again }];
    const services = again.services.map((service) => ({
      ...service,
      used: service.used === AMOUNT_MAX ? ZERO : toAmount(service.used + 1),
    }));
    return [{ kind: 'charge', request: { ...again, services } }];
  }

  #profileOf(request: ChargeRequest): number {
    return this.#profiles.get(request.accountId) ?? 1;
  }

  #creditCall(command: Extract<Command, { kind: 'credit' }>): readonly Call[] {
    const accountId = this.#account(command.account);
    const number = Math.max(1, (this.#intents.get(accountId) ?? 0) + 1 + command.offset);
    const last = this.#intents.get(accountId) ?? 0;
    if (number === last + 1 && !command.fenced) this.#intents.set(accountId, number);
    const operations = command.operations.flatMap((plan) => this.#operation(accountId, plan));
    const request = this.#credit(accountId, number, operations, command.ledger);
    return [{ kind: 'credit', request }];
  }

  #operation(accountId: string, plan: CreditPlan): readonly CreditOperation[] {
    const buckets = this.model.world.accounts.get(accountId)?.buckets ?? [];
    if (plan.kind === 'grant') {
      this.#bucketCount += 1;
      const bucketId = plan.again ? `${accountId}.0` : `${accountId}+${this.#bucketCount}`;
      const endsAt = plan.bucket.endsAt === null ? null : plan.bucket.endsAt + this.#elapsed();
      return [{ operation: 'grant', bucket: { ...plan.bucket, bucketId, endsAt } }];
    }
    if (plan.kind === 'thresholds') {
      return [{ operation: 'set-thresholds', thresholds: namedThresholds(plan) }];
    }
    const bucketId =
      plan.bucket === 7
        ? 'nowhere'
        : (buckets[plan.bucket % Math.max(1, buckets.length)]?.id ?? 'none');
    const bucket = buckets.find(({ id }) => id === bucketId);
    const floorless = bucket?.floor === null;
    const isSmall = (bucket?.remaining ?? 0) < 1e15;
    switch (plan.kind) {
      case 'add':
        return [
          {
            operation: 'add',
            bucketId,
            amount: toAmount(Math.abs(plan.amount) > 1e15 && floorless ? 1 : plan.amount),
          },
        ];
      case 'floor':
        return [
          {
            operation: 'set-floor',
            bucketId,
            floor: plan.floor === null && isSmall ? null : toAmount(plan.floor ?? 0),
          },
        ];
      case 'end':
        return [
          {
            operation: 'set-end',
            bucketId,
            endsAt: plan.inMs === null ? null : this.#now + plan.inMs,
          },
        ];
      case 'state':
        return [{ operation: 'set-state', bucketId, state: plan.state }];
    }
  }

  #elapsed(): number {
    return this.#now - START_MS;
  }

  /** A credit that surely changes the account, so that it has seen this time. */
  #lift(accountId: string): Call {
    const number = (this.#intents.get(accountId) ?? 0) + 1;
    this.#intents.set(accountId, number);
    return { kind: 'credit', request: this.#credit(accountId, number, []) };
  }

  #credit(
    accountId: string,
    intentNumber: number,
    operations: readonly CreditOperation[],
    kind: CreditRequest['kind'] = 'top-up',
  ): CreditRequest {
    return {
      partition: 0,
      accountId,
      intentNumber,
      intentId: `${accountId}-${intentNumber}`,
      kind,
      reason: null,
      operations,
      stamp,
      now: this.#now,
    };
  }

  #provision(
    accountId: string,
    standing: AccountStanding,
    profileVersion: number,
  ): AccountProvision {
    return { partition: 0, accountId, standing, profileVersion, stamp, now: this.#now };
  }

  #sweep(command: Extract<Command, { kind: 'sweep' }>): readonly Call[] {
    if (command.due) return this.#due();
    const session = this.#sessions.get(command.session);
    if (session === undefined) return [];
    const timer = { partition: 0, member: `s:${session.id}` };
    return [{ kind: 'sweep', timer, now: this.#now }];
  }

  #due(): readonly Call[] {
    return this.model
      .dueTimers(0, this.#now)
      .map((timer): Call => ({ kind: 'sweep', timer, now: this.#now }));
  }
}

function fencedIf(fenced: boolean, calls: readonly Call[]): readonly Call[] {
  if (!fenced || calls.length === 0) return calls;
  return [{ kind: 'fence', closed: true }, ...calls, { kind: 'fence', closed: false }];
}

function namedThresholds(plan: ThresholdPlan): readonly AccountThreshold[] {
  return plan.levels.map(({ resource, level }) => ({
    id: `${resource}${level}${plan.bundle ?? ''}`,
    resource,
    bundleId: plan.bundle,
    lowBalance: level % 2 === 1,
    level: plan.percent ? { percent: level } : { amount: toAmount(level) },
  }));
}

/** What the model answers to a call. @throws as the scripts' face does. */
export function askModel(model: ChargingModel, call: Call): unknown {
  switch (call.kind) {
    case 'charge':
      return model.charge(call.request);
    case 'settle':
      return model.settle(call.request);
    case 'enquire':
      return model.enquire(call.request);
    case 'credit':
      return model.credit(call.request);
    case 'provision':
      return model.provision(call.request);
    case 'sweep':
      return model.sweep(call.timer, call.now);
    case 'purge':
      return model.purge(call.accountId, call.recorded);
    case 'fence':
      model.world.closed = call.closed;
      return null;
  }
}
