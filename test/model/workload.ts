/**
 * Random worlds and random commands for them. A command names no numbers and amounts but choices
 * (the third session, all that was granted and a bit more), so that a run can be shrunk and still
 * means something; driver.ts makes requests of them.
 */
import { type ConsumptionOrder, CONSUMPTION_ORDERS } from '../../src/domain/consumption-order.js';
import fc from 'fast-check';
import type { ChargePolicy, ChargeQuota, ChargeWindow } from '../../src/charging/charge-request.js';
import type { NewBucket } from '../../src/charging/event-codec.js';
import { toAmount, type Amount } from '../../src/domain/amounts.js';
import type { LedgerKind } from '../../src/domain/events.js';
import type { SharingMembership } from '../../src/domain/profile.js';
import { UNIT_KINDS, type UnitKind } from '../../src/domain/units.js';
import { chargeWindow, newBucket, rateLine, START_MS } from '../support/charge-requests.js';

export const GROUPS = [1, 2, 3] as const;
const ACCOUNTS_MAX = 3;
const SESSIONS = 5;
const FOREVER_MS = 8.64e15;
const BUNDLES = ['gold', 'blue'] as const;
const CREDIT_KINDS = ['top-up', 'grant', 'adjustment', 'reversal', 'transfer'] as const;

export interface GroupTerms {
  readonly unit: UnitKind;
  readonly windows: readonly ChargeWindow[];
  readonly quota: ChargeQuota;
  readonly zones: readonly string[];
}

export interface WorldPlan {
  readonly accounts: readonly AccountPlan[];
  readonly groups: readonly GroupTerms[];
  readonly policy: ChargePolicy;
  readonly unitOrder: ConsumptionOrder;
  readonly moneyOrder: ConsumptionOrder;
}

export interface AccountPlan {
  readonly buckets: readonly BucketPlan[];
  readonly thresholds: ThresholdPlan;
  /** How it may draw on the last account, which owns the group; null for a member of none. */
  readonly sharing: Omit<SharingMembership, 'ownerAccountId'> | null;
}

export interface ThresholdPlan {
  readonly levels: readonly { readonly resource: string; readonly level: number }[];
  readonly percent: boolean;
  readonly bundle: string | null;
}

/** A bucket but for its name. */
export type BucketPlan = Omit<NewBucket, 'bucketId'>;

const amount = fc
  .oneof(
    { weight: 30, arbitrary: fc.nat(300) },
    { weight: 10, arbitrary: fc.nat(20) },
    { weight: 5, arbitrary: fc.nat(5_000) },
    { weight: 1, arbitrary: fc.constantFrom(Number.MAX_SAFE_INTEGER, 2 ** 52) },
  )
  .map(toAmount);

/** Units that any line of a run can price, all its services together. */
const UNITS_PRICED = 4e14;

const seconds = (max: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.nat(max).map((count) => count * 1_000),
    fc.nat(max * 1_000),
  );

const set = <T>(values: readonly T[]): fc.Arbitrary<T[] | null> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.subarray([...values], { minLength: 1 }) },
  );

const scope = fc.oneof(
  { weight: 5, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc
      .record({
        contexts: set(['data@test']),
        ratingGroups: set([...GROUPS]),
        zones: set(['home', 'roam']),
        bands: set(['night']),
      })
      .map((sets) => ({ scope: sets })),
  },
);

/** Where in its life a bucket begins. */
const life = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ state: 'active' as const }) },
  {
    weight: 2,
    arbitrary: seconds(900).map((ms) => ({
      state: 'active' as const,
      endsAt: START_MS + ms,
    })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      state: fc.constant('armed' as const),
      durationMs: seconds(600).map((ms) => ms + 1),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      state: fc.constant('pending' as const),
      startsAt: seconds(600).map((ms) => START_MS + ms + 1),
      durationMs: fc.option(seconds(600).map((ms) => ms + 1)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      state: fc.constant('pending' as const),
      after: fc.constantFrom(...BUNDLES, 'A.0', 'A.1'),
      durationMs: fc.option(seconds(600).map((ms) => ms + 1)),
    }),
  },
);

const bucketPlan: fc.Arbitrary<BucketPlan> = fc
  .record({
    resource: fc.constantFrom('octets', 'octets', 'seconds', 'events', 'EUR', 'EUR', 'EUR', 'USD'),
    granted: amount,
    priority: fc.constantFrom(10, 10, 20, 5),
    createdAt: fc.nat(3).map((ms) => START_MS - ms),
    step: fc.constantFrom(1, 1, 1, 7, 60),
    blocker: fc.nat(9).map((die) => die === 0),
    bundleId: fc.option(fc.constantFrom(...BUNDLES), { freq: 2 }),
    floor: fc.constantFrom(0, 0, 0, -50, null),
    detail: scope,
    life,
  })
  .map(({ life: own, floor, step, ...plan }) => {
    const isMoney = plan.resource === 'EUR' || plan.resource === 'USD';
    const { bucketId: _, ...bucket } = newBucket('', plan.resource, plan.granted, {
      ...plan,
      ...own,
      // What is left down to no floor is to be a number, too.
      floor: (isMoney ? (plan.granted > 1e15 ? 0 : floor) : 0) as Amount | null,
      step: isMoney ? 1 : step,
    });
    return bucket;
  });

const money = fc.oneof(fc.constant(0), fc.constant(0), fc.nat(60)).map(toAmount);

const line = fc
  .record({
    pulses: fc.constantFrom(
      [{ from: 0, step: 1 }],
      [{ from: 0, step: 1 }],
      [{ from: 0, step: 10 }],
      [
        { from: 0, step: 60 },
        { from: 60, step: 30 },
      ],
      [
        { from: 0, step: 30 },
        { from: 60, step: 1 },
      ],
    ),
    prices: fc.array(fc.record({ num: fc.nat(5), den: fc.integer({ min: 1, max: 7 }) }), {
      minLength: 1,
      maxLength: 3,
    }),
    length: fc.integer({ min: 1, max: 80 }),
    counter: fc.option(fc.constantFrom('T/day', 'T/month'), { freq: 3 }),
    connectionFee: money,
    minimumCharge: money,
    cap: fc.option(fc.integer({ min: 0, max: 200 }), { freq: 4 }),
    unitsMax: fc.constantFrom(UNITS_PRICED, UNITS_PRICED, 700),
  })
  .map(({ prices, length, cap, unitsMax, ...parts }) =>
    rateLine({
      ...parts,
      tiers: prices.map((price, tier) => ({ from: tier * length, ...price })),
      cap: cap === null ? null : toAmount(Math.max(cap, parts.connectionFee, parts.minimumCharge)),
      unitsMax: toAmount(unitsMax),
    }),
  );

/** The prices of a group: none, or windows that follow each other, perhaps with a hole. */
const windows = fc.oneof(
  { weight: 1, arbitrary: fc.constant([]) },
  {
    weight: 5,
    arbitrary: fc
      .array(
        fc.record({
          line,
          kind: fc.constantFrom(
            ...(['charged', 'charged', 'charged', 'charged', 'free', 'not-chargeable'] as const),
          ),
          lengthMs: seconds(600).map((ms) => ms + 1),
          gap: fc.nat(9).map((die) => die === 0),
          currency: fc.constantFrom('EUR', 'EUR', 'EUR', 'EUR', 'USD'),
          periodStartMs: fc.constantFrom(0, START_MS),
        }),
        { minLength: 1, maxLength: 3 },
      )
      .map((parts) => {
        let at = 0;
        return parts.map((part, index) => {
          const fromMs = at + (part.gap && index > 0 ? 5_000 : 0);
          const isLast = index === parts.length - 1;
          const untilMs = isLast ? FOREVER_MS : Math.max(START_MS, fromMs) + part.lengthMs;
          at = untilMs;
          // A line that needs no counter has no period.
          const { counter } = part.line;
          return chargeWindow(part.line, {
            fromMs,
            untilMs,
            kind: part.kind,
            currency: part.currency,
            periodStartMs: counter === null ? 0 : part.periodStartMs,
          });
        });
      }),
  },
);

const groupTerms: fc.Arbitrary<GroupTerms> = fc
  .record({
    unit: fc.constantFrom(...UNIT_KINDS, 'octets' as const),
    windows,
    maximum: fc.oneof(
      { weight: 10, arbitrary: fc.integer({ min: 1, max: 400 }) },
      { weight: 1, arbitrary: fc.constant(Number.MAX_SAFE_INTEGER) },
    ),
    minimum: fc.integer({ min: 1, max: 50 }),
    sharePercent: fc.constantFrom(100, 100, 50, 25, 1),
    validitySeconds: fc.constantFrom(1, 30, 600),
    zones: fc.constantFrom([], ['home'], ['home', 'roam']),
  })
  .map(({ unit, windows: open, maximum, minimum, zones, ...quota }) => ({
    unit,
    windows: open,
    zones,
    quota: {
      ...quota,
      maximum: toAmount(maximum),
      minimum: toAmount(Math.min(minimum, maximum)),
      shortValiditySeconds: Math.min(quota.validitySeconds, 5),
    },
  }));

const membership = fc.option(
  fc.record({
    order: fc.constantFrom('own-first' as const, 'shared-first' as const),
    scope: fc.oneof(
      { weight: 3, arbitrary: fc.constant(null) },
      {
        weight: 1,
        arbitrary: fc.record({
          contexts: set(['data@test']),
          ratingGroups: set([...GROUPS]),
          zones: set(['home']),
          bands: fc.constant(null),
        }),
      },
    ),
    resources: fc.constantFrom(null, null, null, ['EUR'], ['octets']),
  }),
  { freq: 3 },
);

const thresholdPlan: fc.Arbitrary<ThresholdPlan> = fc.record({
  levels: fc.uniqueArray(
    fc.record({ resource: fc.constantFrom('octets', 'EUR'), level: fc.nat(100) }),
    { selector: ({ resource, level }) => `${resource}${level}`, maxLength: 3 },
  ),
  percent: fc.boolean(),
  bundle: fc.option(fc.constantFrom(...BUNDLES), { freq: 2 }),
});

const accountPlan: fc.Arbitrary<AccountPlan> = fc.record({
  buckets: fc.array(bucketPlan, { maxLength: 6 }),
  thresholds: thresholdPlan,
  sharing: membership,
});

export const worldPlan: fc.Arbitrary<WorldPlan> = fc
  .record({
    accounts: fc.oneof(
      ...[1, 2, 2, ACCOUNTS_MAX].map((count) =>
        fc.array(accountPlan, { minLength: count, maxLength: count }),
      ),
    ),
    groups: fc.tuple(groupTerms, groupTerms, groupTerms),
    policy: fc.record({
      unknownSession: fc.constantFrom('recreate', 'recreate', 'reject'),
      overuse: fc.constantFrom('write-off', 'write-off', 'debit'),
      supervisionMs: seconds(120).map((ms) => ms + 1_000),
      retentionMs: seconds(120).map((ms) => ms + 1_000),
      graceMs: fc.constantFrom(0, 0, 3_000),
    }),
    unitOrder: fc.constantFrom('earliest-expiring', ...CONSUMPTION_ORDERS),
    moneyOrder: fc.constantFrom('earliest-expiring', ...CONSUMPTION_ORDERS),
  })
  .map((plan) => ({
    ...plan,
    groups: named(plan.groups),
    // The owner of a group is a member of none.
    accounts: plan.accounts.map((account, index) =>
      index === plan.accounts.length - 1 ? { ...account, sharing: null } : account,
    ),
  }));

/** Each line a name of its own, as compiled tariffs have. */
function named(groups: readonly GroupTerms[]): readonly GroupTerms[] {
  return groups.map((group, number) => ({
    ...group,
    windows: group.windows.map((window, index) => {
      const id = `T@1#g${number + 1}w${index + 1}`;
      return { ...window, line: { ...window.line, id }, label: `${id} ` };
    }),
  }));
}

/** How much of what was granted is reported: in percent, and units on top. */
export interface Use {
  readonly percent: number;
  readonly more: number;
}

export interface AskPlan {
  readonly group: number;
  readonly used: Use;
  readonly usedAfter: Use;
  /** Null: asks for nothing. */
  readonly want: number | null;
  readonly reason: string | null;
  /** It shares what it was granted with the others of its session. */
  readonly pooled: boolean;
}

export type Command =
  | {
      readonly kind: 'request';
      readonly session: number;
      /** Go on with a session that has ended, rather than with a new one. */
      readonly insist: boolean;
      readonly phase: 'auto' | 'terminate' | 'event' | 'refund' | 'initial' | 'update';
      /** 0 for the next number; -n for one that may have been left out; n to leave numbers out. */
      readonly offset: number;
      readonly asks: readonly AskPlan[];
      readonly script: 'charge' | 'settle' | 'enquire';
      readonly wrong: 'account' | 'profile' | null;
      /** As somebody who has left the sharing group. */
      readonly alone: boolean;
      /** While recovery holds the partition. */
      readonly fenced: boolean;
    }
  | { readonly kind: 'again'; readonly back: number; readonly changed: boolean }
  | {
      readonly kind: 'credit';
      readonly account: number;
      readonly offset: number;
      readonly ledger: LedgerKind;
      readonly operations: readonly CreditPlan[];
      readonly fenced: boolean;
    }
  | {
      readonly kind: 'provision';
      readonly account: number;
      readonly standing: 'active' | 'suspended' | 'closed';
      readonly version: number;
    }
  | { readonly kind: 'sweep'; readonly session: number; readonly due: boolean }
  /** The record is so many events behind. */
  | { readonly kind: 'purge'; readonly account: number; readonly behind: number }
  | { readonly kind: 'clock'; readonly ms: number; readonly toEnd: boolean }
  | { readonly kind: 'clock-back'; readonly ms: number };

export type CreditPlan =
  | { readonly kind: 'grant'; readonly bucket: BucketPlan; readonly again: boolean }
  | { readonly kind: 'add'; readonly bucket: number; readonly amount: number }
  | { readonly kind: 'floor'; readonly bucket: number; readonly floor: number | null }
  | { readonly kind: 'end'; readonly bucket: number; readonly inMs: number | null }
  | {
      readonly kind: 'state';
      readonly bucket: number;
      readonly state: 'active' | 'armed' | 'inactive';
    }
  | ({ readonly kind: 'thresholds' } & ThresholdPlan);

const use = fc.record({
  percent: fc.constantFrom(0, 0, 50, 100, 100, 100, 130),
  more: fc.oneof(
    { weight: 60, arbitrary: fc.constantFrom(0, 0, 0, 1, 5) },
    { weight: 1, arbitrary: fc.constantFrom(2 ** 52, Number.MAX_SAFE_INTEGER) },
  ),
});

const nothing = fc.constant({ percent: 0, more: 0 });

const ask: fc.Arbitrary<AskPlan> = fc.record({
  group: fc.nat(GROUPS.length - 1),
  used: use,
  usedAfter: fc.oneof({ weight: 5, arbitrary: nothing }, { weight: 1, arbitrary: use }),
  want: fc.option(
    fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 1, max: 200 }) },
      { weight: 20, arbitrary: fc.integer({ min: 1, max: 1_000 }) },
      { weight: 1, arbitrary: fc.constant(Number.MAX_SAFE_INTEGER) },
    ),
    { freq: 5 },
  ),
  reason: fc.constantFrom(null, null, 'validity-time'),
  pooled: fc.nat(3).map((die) => die === 0),
});

const fenced = fc.nat(79).map((die) => die === 0);

type RequestCommand = Extract<Command, { kind: 'request' }>;

const request: fc.Arbitrary<RequestCommand> = fc.record({
  kind: fc.constant('request' as const),
  session: fc.nat(SESSIONS - 1),
  insist: fc.nat(5).map((die) => die === 0),
  phase: fc.constantFrom(
    ...(['auto', 'auto', 'auto', 'auto', 'auto', 'auto', 'terminate', 'event'] as const),
    ...(['event', 'refund', 'initial', 'update'] as const),
  ),
  offset: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1, 2, 9, -1, -2, -8),
  asks: fc.uniqueArray(ask, { selector: ({ group }) => group, maxLength: GROUPS.length }),
  script: fc.constantFrom(
    ...(['charge', 'charge', 'charge', 'charge', 'charge', 'charge'] as const),
    ...(['charge', 'charge', 'settle', 'enquire'] as const),
  ),
  wrong: fc.oneof(
    { weight: 30, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom('account' as const, 'profile' as const) },
  ),
  alone: fc.nat(9).map((die) => die === 0),
  fenced,
});

const creditOperation: fc.Arbitrary<CreditPlan> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('grant' as const),
      bucket: bucketPlan,
      again: fc.nat(9).map((die) => die === 0),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      bucket: fc.nat(7),
      amount: fc.oneof(
        { weight: 10, arbitrary: fc.nat(300) },
        { weight: 10, arbitrary: fc.integer({ min: -100, max: 100 }) },
        {
          weight: 1,
          arbitrary: fc.constantFrom(Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 2 ** 52),
        },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('floor' as const),
      bucket: fc.nat(7),
      floor: fc.constantFrom(0, -50, 20, null),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      bucket: fc.nat(7),
      inMs: fc.option(fc.integer({ min: -1_000, max: 100_000 })),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('state' as const),
      bucket: fc.nat(7),
      state: fc.constantFrom('active' as const, 'armed' as const, 'inactive' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: thresholdPlan.map((plan) => ({ kind: 'thresholds' as const, ...plan })),
  },
);

export const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 30, arbitrary: request },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('again' as const),
      back: fc.nat(12),
      changed: fc.nat(3).map((die) => die === 0),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('credit' as const),
      account: fc.nat(ACCOUNTS_MAX - 1),
      offset: fc.constantFrom(0, 0, 0, 0, 0, 0, -1, 1),
      ledger: fc.constantFrom(...CREDIT_KINDS),
      operations: fc.array(creditOperation, { minLength: 1, maxLength: 3 }),
      fenced,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('provision' as const),
      account: fc.nat(ACCOUNTS_MAX - 1),
      standing: fc.constantFrom('active', 'active', 'active', 'active', 'suspended', 'closed'),
      version: fc.constantFrom(0, 0, 1, -1),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('sweep' as const),
      session: fc.nat(SESSIONS - 1),
      due: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('purge' as const),
      account: fc.nat(ACCOUNTS_MAX - 1),
      behind: fc.constantFrom(0, 0, 0, 1, -1),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('clock' as const),
      ms: fc.oneof(fc.nat(2_000), seconds(60), seconds(900)),
      toEnd: fc.nat(5).map((die) => die === 0),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('clock-back' as const),
      ms: seconds(30),
    }),
  },
);

/** A world in which most updates are plain: of octets there are plenty, and nobody shares. */
function calm(plan: WorldPlan): WorldPlan {
  const { bucketId: _, ...plenty } = newBucket('', 'octets', 2_000_000, { priority: 1 });
  return {
    ...plan,
    accounts: plan.accounts.map(({ buckets, thresholds }) => ({
      buckets: [plenty, ...buckets],
      // Of what is plentiful a level is far below.
      thresholds: {
        levels: thresholds.levels.filter(({ resource }) => resource === 'octets'),
        ...{ percent: false, bundle: null },
      },
      sharing: null,
    })),
    groups: plan.groups.map((group) => ({
      ...group,
      unit: 'octets',
      windows: group.windows.slice(-1).map((window) => {
        return { ...window, fromMs: 0, kind: 'charged' };
      }),
    })),
    policy: { ...plan.policy, supervisionMs: plan.policy.supervisionMs + 1_800_000 },
    unitOrder: 'earliest-expiring',
    moneyOrder: 'earliest-expiring',
  };
}

/** A request as a gateway sends it when all goes well: it reports of what it was granted. */
function plainly(given: RequestCommand): Command {
  const used = { percent: 0, more: 0 };
  const heartbeat = {
    ...{ group: 0, want: 50, reason: null, pooled: false },
    used,
    usedAfter: used,
  };
  const asks = given.asks.length > 0 ? given.asks : [heartbeat];
  return {
    ...given,
    ...{ phase: given.phase === 'terminate' ? 'terminate' : 'auto', script: 'charge' },
    // Few sessions, so that most of their requests are updates.
    session: given.session % 2,
    ...{ offset: 0, wrong: null, alone: false, fenced: false },
    asks: asks.slice(0, 1 + (given.session % 3)).map((ask) => ({
      ...ask,
      want: ((ask.want ?? 0) % 500) + 1,
      used: { percent: Math.min(ask.used.percent, 100), more: 0 },
      usedAfter: { percent: 0, more: 0 },
      pooled: false,
    })),
  };
}

const COMMANDS_MAX = 100;
const commandsOf = (each: fc.Arbitrary<Command>): fc.Arbitrary<Command[]> =>
  fc.array(each, { maxLength: COMMANDS_MAX, size: 'max' });

export type Workload = [plan: WorldPlan, commands: Command[]];

/** A world in which anything happens, and all of it. */
export const wildWorkload: fc.Arbitrary<Workload> = fc.tuple(worldPlan, commandsOf(command));

/** A calm world, in which a plain request is what comes most. */
export const calmWorkload: fc.Arbitrary<Workload> = fc.tuple(
  worldPlan.map(calm),
  commandsOf(
    fc.oneof({ weight: 1, arbitrary: command }, { weight: 4, arbitrary: request.map(plainly) }),
  ),
);

/** Some like this and some like that. */
export const workload: fc.Arbitrary<Workload> = fc.oneof(
  { weight: 1, arbitrary: wildWorkload },
  { weight: 1, arbitrary: calmWorkload },
);
