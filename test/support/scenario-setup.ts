/** What a charging scenario declares before its steps: buckets, rates, quotas, policy, sharing. */
import { type ConsumptionOrder, CONSUMPTION_ORDERS } from '../../src/domain/consumption-order.js';
import type {
  ChargePolicy,
  ChargeQuota,
  ChargeService,
  ChargeWindow,
} from '../../src/charging/charge-request.js';
import type { NewBucket } from '../../src/charging/event-codec.js';
import { AMOUNT_MAX, toAmount, ZERO } from '../../src/domain/amounts.js';
import type { SharingMembership } from '../../src/domain/profile.js';
import { UNIT_KINDS, type UnitKind } from '../../src/domain/units.js';
import { compileRate } from '../../src/rating/compiled-rate.js';
import { FaultList } from '../../src/rating/fault-list.js';
import { FOREVER_MS } from '../../src/rating/rate-line.js';
import type { RateHead } from '../../src/rating/tariff.js';
import { chargeService, newBucket, policy, START_MS } from './charge-requests.js';
import {
  MONEY_SCALE,
  parseAmount,
  parseDuration,
  parseList,
  parseUnits,
  type Words,
} from './scenario-words.js';

const at = (text: string): number => START_MS + parseDuration(text);

/** "free 100 octets priority 5 until 1h …" */
export function readBucket(words: Words): NewBucket {
  const id = words.next('the name of the bucket');
  const text = words.next('what the bucket holds');
  const resource = words.next('the resource of the bucket');
  let bucket = newBucket(id, resource, parseAmount(text, resource));
  let scope: Record<string, unknown> | null = null;
  const narrow = (part: Record<string, unknown>): void => {
    scope = { contexts: null, ratingGroups: null, zones: null, bands: null, ...scope, ...part };
  };
  while (!words.empty) {
    const word = words.next('a property of the bucket');
    const value = (): string => words.next(`the value of ${word}`);
    switch (word) {
      case 'priority':
        bucket = { ...bucket, priority: Number(value()) };
        break;
      case 'from':
        bucket = { ...bucket, startsAt: at(value()) };
        break;
      case 'until':
        bucket = { ...bucket, endsAt: at(value()) };
        break;
      case 'lasts':
        bucket = { ...bucket, durationMs: parseDuration(value()) };
        break;
      case 'created':
        bucket = { ...bucket, createdAt: at(value()) };
        break;
      case 'step':
        bucket = { ...bucket, step: parseUnits(value()) };
        break;
      case 'floor':
        bucket = { ...bucket, floor: parseAmount(value(), resource) };
        break;
      case 'no-floor':
        bucket = { ...bucket, floor: null };
        break;
      case 'blocker':
        bucket = { ...bucket, blocker: true };
        break;
      case 'armed':
      case 'pending':
      case 'inactive':
        bucket = { ...bucket, state: word };
        break;
      case 'behind':
        bucket = { ...bucket, state: 'pending', after: value() };
        break;
      case 'bundle':
        bucket = { ...bucket, bundleId: value() };
        break;
      case 'groups':
        narrow({ ratingGroups: parseList(value()).map(Number) });
        break;
      case 'contexts':
        narrow({ contexts: parseList(value()) });
        break;
      case 'zones':
        narrow({ zones: parseList(value()) });
        break;
      case 'bands':
        narrow({ bands: parseList(value()) });
        break;
      default:
        throw new Error(`a bucket has no "${word}"`);
    }
  }
  return scope === null ? bucket : { ...bucket, detail: { scope } };
}

/** A rate as declared, for the groups and the time it names. */
export interface ScenarioRate {
  readonly unit: UnitKind;
  readonly group: number | null;
  /** Null where there is no price: only unit buckets pay. */
  readonly window: ChargeWindow | null;
}

/** "1 per 10000 octets step 60 fee 0.15 …", "free octets", "not-chargeable octets", "none octets" */
export function readRate(words: Words, index: number): ScenarioRate {
  const kind = (['free', 'not-chargeable', 'none'] as const).find((word) => words.take(word));
  const price = kind === undefined ? readPrice(words) : { amount: '0' };
  const unit = readUnit(words);
  const tiers = [{ from: 0, price }];
  const rate: { -readonly [Key in keyof RateHead]: RateHead[Key] } & Record<string, unknown> = {
    id: `r${index}`,
    // A tariff must leave room for 4 TiB; scenarios price an octet by whole euros to stay readable.
    unit: 'events',
  };
  let group: number | null = null;
  let counter: string | null = null;
  let periodStartMs = 0;
  let [fromMs, untilMs, currency] = [0, FOREVER_MS, 'EUR'];
  while (!words.empty) {
    const word = words.next('a property of the rate');
    const value = (): string => words.next(`the value of ${word}`);
    if (word === 'named') rate.id = value();
    else if (word === 'group') group = Number(value());
    else if (word === 'step') rate['step'] = parseUnits(value());
    else if (word === 'first') rate['firstStep'] = parseUnits(value());
    else if (word === 'fee') rate.connectionFee = value();
    else if (word === 'minimum') rate.minimumCharge = value();
    else if (word === 'cap') rate.cap = value();
    else if (word === 'currency') currency = value();
    else if (word === 'from') fromMs = at(value());
    else if (word === 'until') untilMs = at(value());
    else if (word === 'counter') counter = value();
    else if (word === 'period') periodStartMs = at(value());
    else if (word === 'beyond') tiers.push({ from: parseUnits(value()), price: readPrice(words) });
    else throw new Error(`a rate has no "${word}"`);
  }
  if (kind === 'none') return { unit, group, window: null };
  const priced = tiers.length === 1 ? { price } : { counter: 'c', tiers };
  const faults = new FaultList();
  const compiled = compileRate({ ...rate, ...priced }, 'rate', {
    scale: MONEY_SCALE,
    tariffCode: 'T',
    counters: new Map([['c', { id: 'c', unit: 'events', period: 'month' }]]),
    faults,
  });
  if (compiled === null) throw new Error(faults.faults.map(({ message }) => message).join('; '));
  const id = `T@1#${rate.id}`;
  return {
    unit,
    group,
    window: {
      fromMs,
      untilMs,
      currency,
      // Tiers without a counter go by the units of the session.
      line: { ...compiled, id, counter: counter === null ? null : `T/${counter}` },
      periodStartMs,
      kind: kind === 'not-chargeable' ? kind : compiled.free ? 'free' : 'charged',
      label: `${id} `,
    },
  };
}

/** "1 per 10000", or "1 per" before a unit. */
function readPrice(words: Words): { readonly amount: string; readonly per: number } {
  const amount = words.next('the price');
  if (!words.take('per')) throw new Error('say what the price is for: "1 per 60 seconds"');
  return { amount, per: /^\d/.test(words.peek()) ? parseUnits(words.next('the units')) : 1 };
}

/** "octets", or "octet" where one is meant. */
function readUnit(words: Words): UnitKind {
  const word = words.next('the unit');
  const unit = UNIT_KINDS.find((kind) => kind === word || kind === `${word}s`);
  if (unit === undefined) throw new Error(`"${word}" is no unit: ${UNIT_KINDS.join(', ')}`);
  return unit;
}

/** "maximum 100 minimum 10 share 50 validity 600s short 30s" */
export function readQuota(words: Words, before: ChargeQuota): ChargeQuota {
  let quota = before;
  while (!words.empty) {
    const word = words.next('a property of the quota');
    const value = words.next(`the value of ${word}`);
    if (word === 'maximum') quota = { ...quota, maximum: parseUnits(value) };
    else if (word === 'minimum') quota = { ...quota, minimum: parseUnits(value) };
    else if (word === 'share') quota = { ...quota, sharePercent: Number(value.replace('%', '')) };
    else if (word === 'validity')
      quota = { ...quota, validitySeconds: parseDuration(value) / 1000 };
    else if (word === 'short')
      quota = { ...quota, shortValiditySeconds: parseDuration(value) / 1000 };
    else throw new Error(`a quota has no "${word}"`);
  }
  return quota;
}

/** "overuse debit unknown reject supervision 20m retention 10m grace 10s" */
export function readPolicy(words: Words, before: ChargePolicy): ChargePolicy {
  let read = before;
  while (!words.empty) {
    const word = words.next('a policy');
    if (word === 'overuse') {
      read = { ...read, overuse: words.oneOf(['write-off', 'debit'], word) };
    } else if (word === 'unknown') {
      read = { ...read, unknownSession: words.oneOf(['recreate', 'reject'], word) };
    } else {
      const ms = parseDuration(words.next(`the value of ${word}`));
      if (word === 'supervision') read = { ...read, supervisionMs: ms };
      else if (word === 'retention') read = { ...read, retentionMs: ms };
      else if (word === 'grace') read = { ...read, graceMs: ms };
      else throw new Error(`there is no policy "${word}"`);
    }
  }
  return read;
}

/** "A of B own-first resources EUR groups 1,2": A may draw on what B has. */
export function readMembership(words: Words): {
  readonly member: string;
  readonly sharing: SharingMembership;
} {
  const member = words.next('the member');
  if (!words.take('of')) throw new Error('say whose member it is: "member A of B"');
  const ownerAccountId = words.next('the owner');
  const order = words.oneOf(['own-first', 'shared-first'], 'the order');
  const resources = words.after('resources', parseList) ?? null;
  const ratingGroups = words.after('groups', (text) => parseList(text).map(Number)) ?? null;
  const scope =
    ratingGroups === null ? null : { contexts: null, ratingGroups, zones: null, bands: null };
  return { member, sharing: { ownerAccountId, order, scope, resources } };
}

/** Everything of a scenario that holds for each of its requests. */
export interface Terms {
  rates: ScenarioRate[];
  quota: ChargeQuota;
  policy: ChargePolicy;
  unitOrder: ConsumptionOrder;
  moneyOrder: ConsumptionOrder;
  zones: readonly string[];
  bands: ChargeService['bands'];
  context: string;
}

export function newTerms(): Terms {
  return {
    rates: [],
    quota: {
      maximum: AMOUNT_MAX,
      minimum: toAmount(1),
      sharePercent: 100,
      validitySeconds: 600,
      shortValiditySeconds: 30,
    },
    policy,
    unitOrder: 'earliest-expiring',
    moneyOrder: 'earliest-expiring',
    zones: [],
    bands: [],
    context: '32251@3gpp.org',
  };
}

/** "units smallest": the order in which buckets of one priority are used. */
export function readOrder(words: Words, terms: Terms): void {
  const which = words.oneOf(['units', 'money'], 'the resource');
  const order = words.oneOf(CONSUMPTION_ORDERS, 'the order');
  if (which === 'units') terms.unitOrder = order;
  else terms.moneyOrder = order;
}

/** A service of a group under these terms, reporting and asking nothing. */
export function serviceOf(terms: Terms, group: number): ChargeService {
  const own = terms.rates.filter((rate) => rate.group === group);
  const rates = own.length > 0 ? own : terms.rates.filter((rate) => rate.group === null);
  const [first] = rates;
  if (first === undefined) throw new Error(`there is no rate for group ${group}`);
  return chargeService({
    key: String(group),
    unit: first.unit,
    ratingGroup: group,
    used: ZERO,
    quota: terms.quota,
    windows: rates.flatMap(({ window }) => window ?? []),
    unitOrder: terms.unitOrder,
    moneyOrder: terms.moneyOrder,
    zones: terms.zones,
    bands: terms.bands,
    serviceContext: terms.context,
  });
}
