/**
 * The life of a charging session, request by request: find the subscriber, rate what is spoken of,
 * let the engine decide, answer. Nothing is kept here between two requests: any process may answer
 * any request of any session.
 */
import type { ChargeOutcome, ChargeRefusal } from '../charging/charge-outcome.js';
import type { ChargeRequest } from '../charging/charge-request.js';
import { charge, settle } from '../charging/charge.js';
import { EngineOutOfMemoryError, EngineUnavailableError, type Engine } from '../charging/engine.js';
import { settleMove } from '../charging/moving.js';
import { findAccount } from '../charging/snapshot.js';
import { AmountRangeError } from '../domain/amounts.js';
import type {
  CreditControlHandler,
  CreditControlOutcome,
  CreditControlRequest,
  Refusal,
} from '../domain/credit-control.js';
import type { EventStamp } from '../domain/events.js';
import type { SubscriberProfile } from '../domain/profile.js';
import type { Logger } from '../observability/logger.js';
import type { CompiledCatalog } from '../rating/catalog.js';
import type { ChargingPolicy } from '../rating/charging-policy.js';
import { answerService } from './answer.js';
import type { CatalogHolder } from './catalog-holder.js';
import { checkBalance, enquirePrice } from './enquiry.js';
import type { CreditControlMetrics } from './metrics.js';
import { prepareService, refusalOf, serviceKey, type PreparedService } from './rated-service.js';
import { createSubjectFinder, isReport, type Subject } from './subject.js';

export interface CreditControlOptions {
  /** Requests decided at one time; more are answered `overloaded` at once. */
  readonly requestsInFlightMax: number;
}

export interface CreditControlDependencies {
  readonly engine: Engine;
  readonly catalog: CatalogHolder;
  readonly logger: Logger;
  readonly metrics: CreditControlMetrics;
  /** Milliseconds since 1970: picks the rates sent along; the script decides by its own clock. */
  readonly clock: () => number;
  /** Whether new sessions are refused for now, and why (the record lags too far behind). */
  readonly refusesSessions?: () => string | null;
}

/** Makes the handler that the fronts call. */
export function createCreditControl(
  options: CreditControlOptions,
  dependencies: CreditControlDependencies,
): CreditControlHandler {
  const { engine, catalog, logger, metrics, clock } = dependencies;
  const subjects = createSubjectFinder({ engine });
  let inFlight = 0;

  async function handle(request: CreditControlRequest): Promise<CreditControlOutcome> {
    if (inFlight >= options.requestsInFlightMax) {
      return refuse('overloaded', `${inFlight} requests are being decided`);
    }
    inFlight += 1;
    const endTimer = metrics.decisionSeconds.startTimer({ protocol: request.protocol });
    try {
      const outcome = await decide(request);
      metrics.count(request, outcome);
      return outcome;
    } catch (error) {
      return failure(error, request);
    } finally {
      endTimer();
      inFlight -= 1;
    }
  }

  async function decide(request: CreditControlRequest): Promise<CreditControlOutcome> {
    const opens = request.phase === 'initial' || request.phase === 'event';
    const hold = opens ? dependencies.refusesSessions?.() : null;
    if (typeof hold === 'string') return refuse('unavailable', hold);
    // The second time with a profile read afresh: the first may have been a stale copy.
    let last: Subject | null = null;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const subject = await subjects.find(request, attempt > 0);
      if (subject === null) {
        return refuse('unknown-subscriber', 'no identity of the request is known in its scope');
      }
      const outcome = await chargeSubject(request, subject);
      if (outcome !== 'stale') return outcome;
      last = subject;
    }
    return (
      (last === null ? null : await follow(request, last)) ??
      refuse('unavailable', 'the profile changed twice while the request was decided')
    );
  }

  /**
   * The profile says where the account was: it has moved, or is on its way. A move that was cut off is
   * finished here. A member is where its owner is or draws on nothing of his.
   */
  async function follow(
    request: CreditControlRequest,
    { profile, route }: Subject,
  ): Promise<CreditControlOutcome | null> {
    const { accountId, partition } = profile;
    const stamp = stampOf(request, profile, catalog.current().version);
    const place = await settleMove(engine, { accountId, from: partition, stamp });
    if (place === null || place === partition) return null;
    const moved = { ...profile, partition: place, sharing: null };
    const subject = { profile: moved, route: { ...route, partition: place }, routed: false };
    const outcome = await chargeSubject(request, subject);
    return outcome === 'stale' ? null : outcome;
  }

  async function chargeSubject(
    request: CreditControlRequest,
    subject: Subject,
  ): Promise<CreditControlOutcome | 'stale'> {
    const version = catalog.current();
    const at = clock();
    const { profile } = subject;
    const prepared = mergeServices(request).map((service) =>
      prepareService(service, { request, profile, catalog: version, at }),
    );
    const chargeRequest = buildCharge(request, subject, prepared, version);
    if (request.phase === 'event' && request.action === 'price-enquiry') {
      return enquirePrice(prepared, at);
    }
    if (request.phase === 'event' && request.action === 'balance-check') {
      const [refusal] = prepared.flatMap(({ rated }) => refusalOf(rated) ?? []);
      if (refusal !== undefined) return refuse(refusal, 'a service has no price, or is barred');
      return (await checkBalance(engine, chargeRequest)) ?? 'stale';
    }
    const run = (): Promise<ChargeOutcome> => runCharge(chargeRequest);
    // A lone event has no route.
    const isReachable = subject.routed || request.phase === 'event';
    const outcome = await (isReachable ? run() : subjects.route(request, subject, run));
    if (request.phase === 'terminate') subjects.forget(request.sessionId);
    if (outcome.kind === 'refused' && isStale(outcome.refusal)) return 'stale';
    return answer(prepared, outcome, { request, profile, catalog: version });
  }

  async function runCharge(request: ChargeRequest): Promise<ChargeOutcome> {
    const outcome = await chargeOrSettle(request);
    if (outcome.kind !== 'other-account') return outcome;
    // No route led there: the identity belongs to another account by now, and the session's key
    // says which it began with.
    const { accountId } = outcome;
    const account = await findAccount(engine, request.partition, accountId);
    if (account === null) return outcome;
    const { profileVersion, partition } = account;
    const own = { accountId, profileVersion, partition, sharing: null };
    return chargeOrSettle({ ...request, ...own });
  }

  /** When memory is out a report is still taken; nothing is granted. */
  async function chargeOrSettle(request: ChargeRequest): Promise<ChargeOutcome> {
    try {
      return await charge(engine, request);
    } catch (error) {
      if (!(error instanceof EngineOutOfMemoryError) || !isReport(request)) throw error;
      metrics.settledWithoutMemory.inc();
      return settle(engine, request);
    }
  }

  function failure(error: unknown, request: CreditControlRequest): CreditControlOutcome {
    if (error instanceof AmountRangeError) return refuse('invalid-request', error.message);
    metrics.failures.inc();
    if (error instanceof EngineUnavailableError || error instanceof EngineOutOfMemoryError) {
      logger.warn({ err: error, peer: request.peer }, 'request not decided');
      return refuse('unavailable', error.message);
    }
    logger.error({ err: error, peer: request.peer }, 'request failed');
    return refuse('unavailable', 'internal error; see the log');
  }

  return handle;
}

function refuse(refusal: Refusal, detail: string): CreditControlOutcome {
  return { kind: 'refused', refusal, detail };
}

/** The copy of the profile was too old, or its account was moved. */
function isStale(refusal: ChargeRefusal): boolean {
  return ['stale-profile', 'unknown-account', 'moved'].includes(refusal);
}

/** Two entries for one service in a request are one: their use adds up, the last ask counts. */
function mergeServices(request: CreditControlRequest): CreditControlRequest['services'] {
  if (new Set(request.services.map(serviceKey)).size === request.services.length) {
    return request.services;
  }
  const merged = new Map<string, CreditControlRequest['services'][number]>();
  for (const service of request.services) {
    const key = serviceKey(service);
    const before = merged.get(key);
    merged.set(
      key,
      before === undefined
        ? service
        : { ...before, ...service, used: [...before.used, ...service.used] },
    );
  }
  return [...merged.values()];
}

function buildCharge(
  request: CreditControlRequest,
  { profile }: Subject,
  prepared: readonly PreparedService[],
  catalog: CompiledCatalog,
): ChargeRequest {
  return {
    partition: profile.partition,
    accountId: profile.accountId,
    profileVersion: profile.version,
    sessionId: request.sessionId,
    requestNumber: request.requestNumber,
    phase: request.phase,
    stamp: stampOf(request, profile, catalog.version),
    policy: chargePolicy(catalog.policy(profile.tenant, profile.plan ?? null)),
    services: prepared.flatMap((service) => service.charge ?? []),
    cause: request.terminationCause ?? null,
    action: request.action === 'refund' ? 'refund' : 'debit',
    sharing: profile.sharing,
  };
}

/** Each made once: a catalog has its own policies. */
const POLICIES = new WeakMap<ChargingPolicy, ChargeRequest['policy']>();

function chargePolicy(policy: ChargingPolicy): ChargeRequest['policy'] {
  const kept = POLICIES.get(policy);
  if (kept !== undefined) return kept;
  const made = {
    unknownSession: policy.unknownSession,
    overuse: policy.overuse,
    supervisionMs: policy.supervisionSecondsMin * 1000,
    retentionMs: policy.retentionSeconds * 1000,
    graceMs: policy.graceSeconds * 1000,
  };
  POLICIES.set(policy, made);
  return made;
}

/** Of the context, what stands among what is personal. */
const PERSONAL: ReadonlySet<string> = new Set(['calledParty', 'calledAddress', 'callingParty']);

/** Who and where, for the record. Personal identifiers stand apart: they can be erased. */
function stampOf(
  request: CreditControlRequest,
  profile: SubscriberProfile,
  configVersion: number,
): EventStamp {
  const { calledParty, calledAddress, callingParty } = request.context;
  const sent = (kind: string): string | undefined =>
    request.identities.find((identity) => identity.kind === kind)?.value;
  const personal = {
    imsi: sent('imsi') ?? profile.imsi,
    msisdn: sent('e164') ?? profile.msisdn,
    userName: sent('user-name') ?? sent('nai') ?? profile.userName,
    mac: sent('mac'),
    calledParty: calledParty ?? calledAddress,
    callingParty,
  };
  return {
    tenant: profile.tenant,
    customer: profile.customer,
    subscription: profile.subscription,
    protocol: request.protocol,
    peer: request.peer,
    serviceContext: request.serviceContext,
    personal: withoutUndefined(personal),
    network: withoutUndefined(request.context, PERSONAL),
    eventTimestamp: request.eventTimestamp ?? null,
    configVersion,
  };
}

function withoutUndefined(
  fields: Readonly<Record<string, string | undefined>>,
  left: ReadonlySet<string> = NOTHING,
): Record<string, string> {
  const defined: Record<string, string> = {};
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined && !left.has(name)) defined[name] = value;
  }
  return defined;
}

const NOTHING: ReadonlySet<string> = new Set();

const REFUSALS: Readonly<Record<ChargeRefusal, readonly [Refusal, string]>> = {
  fenced: ['unavailable', 'the partition is closed until recovery has compared it'],
  'newer-state': ['unavailable', 'the account was written by a newer version: upgrade this node'],
  'unknown-account': ['unknown-subscriber', 'the account is not in Redis'],
  moved: ['unavailable', 'the account is being moved'],
  'stale-profile': ['unavailable', 'the profile is being changed'],
  'unknown-session': ['unknown-session', 'the session is not known and is not recreated'],
  conflict: ['conflicting-duplicate', 'this request number was used with other content'],
  'stale-number': ['stale-request-number', 'this request number is too far behind the last'],
  'service-denied': ['service-denied', 'the account is suspended'],
  'authorization-rejected': ['authorization-rejected', 'the account is closed'],
  'amount-out-of-range': ['invalid-request', 'the use of a service would pass 2^53 - 1'],
};

function answer(
  prepared: readonly PreparedService[],
  outcome: ChargeOutcome,
  context: {
    readonly request: CreditControlRequest;
    readonly profile: SubscriberProfile;
    readonly catalog: CompiledCatalog;
  },
): CreditControlOutcome {
  if (outcome.kind === 'other-account') {
    return refuse('unavailable', 'the session moved while the request was decided');
  }
  if (outcome.kind === 'refused') return refuse(...REFUSALS[outcome.refusal]);
  const charged = new Map(outcome.services.map((service) => [service.key, service]));
  const answerContext = {
    catalog: context.catalog,
    tenant: context.profile.tenant,
    terminates: context.request.phase === 'terminate' || context.request.phase === 'event',
  };
  return {
    kind: 'answered',
    repeated: outcome.repeated,
    services: prepared.map((service) =>
      answerService(service, charged.get(serviceKey(service.request)) ?? null, answerContext),
    ),
    lowBalance: outcome.lowBalance || outcome.services.some((service) => service.last === 'final'),
  };
}
