/** What the script is told of a reported session beside its totals: its charge, its plan, its place. */
import type { ChargeRequest } from '../../charging/charge-request.js';
import type { NetworkSession } from '../../charging/network-sessions.js';
import type { NetworkReport } from '../../charging/session-report.js';
import type { AccessPlan } from '../../domain/access-plan.js';
import type { SessionReport } from '../../domain/access.js';
import type { SubscriberProfile } from '../../domain/profile.js';
import { ladderOf } from './access-terms.js';
import { gaugeRates } from './metered-services.js';

type PlanTerms = Pick<NetworkReport, 'rates' | 'ladder'>;

const PLAN_TERMS = new WeakMap<AccessPlan, PlanTerms>();

/** What a plan alone says: made once, since each catalog has its own plans. */
export function planTerms(plan: AccessPlan): PlanTerms {
  let terms = PLAN_TERMS.get(plan);
  if (terms === undefined) {
    terms = { rates: gaugeRates(plan), ladder: rungsOf(plan) };
    PLAN_TERMS.set(plan, terms);
  }
  return terms;
}

const RUNG_RATES = { total: 0, download: 0, upload: 0 } as const;

function rungsOf(plan: AccessPlan): NetworkReport['ladder'] {
  return ladderOf(plan).map((step) => {
    const speed = step.kind === 'speed' ? step.speed : plan.garden?.speed;
    const rates =
      step.kind === 'disconnect' || speed === undefined ? RUNG_RATES : gaugeRates({ speed });
    return { kind: step.kind, octetsPerSecond: rates.total };
  });
}

/** A session without a plan: its use is recorded, and charged to nobody. */
export const UNPLANNED: AccessPlan = {
  code: '',
  charges: { volume: null, time: false },
  ratingGroup: 0,
  services: {},
  sessionsMax: null,
  interim: { minSeconds: 60, maxSeconds: 300 },
  fairUse: [],
  ladder: [],
  noCredit: 'reject',
  expired: 'reject',
  messages: {},
};

/** A report's charge, spelled out: a spread costs several times as much, once per report. */
export function chargeOf(
  profile: Pick<SubscriberProfile, 'partition' | 'accountId' | 'version' | 'sharing'>,
  said: Pick<ChargeRequest, 'sessionId' | 'stamp' | 'policy' | 'services' | 'cause'>,
): ChargeRequest {
  return {
    partition: profile.partition,
    accountId: profile.accountId,
    profileVersion: profile.version,
    sessionId: said.sessionId,
    // The script counts on, and knows which reports end a session.
    requestNumber: 0,
    phase: 'update',
    stamp: said.stamp,
    policy: said.policy,
    services: said.services,
    cause: said.cause,
    sharing: profile.sharing,
  };
}

/** A session as the network knows it, which is kept with it. */
export function networkSession(
  report: SessionReport,
  profile: SubscriberProfile,
  plan: string,
): NetworkSession {
  return {
    pointer: {
      nas: report.nas,
      sessionKey: report.sessionKey,
      userName: report.identities[0]?.value ?? null,
      address: report.address,
      station: report.station,
      connection: report.connection,
    },
    networkScope: report.networkScope,
    tenant: profile.tenant,
    customer: profile.customer,
    subscription: profile.subscription,
    tariff: profile.tariff,
    chargingPlan: profile.plan ?? null,
    plan,
    bootMark: report.bootMark,
    ...(report.device !== null && { device: report.device }),
  };
}
