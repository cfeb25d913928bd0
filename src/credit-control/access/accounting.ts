/**
 * Reports of NAS: found by what we sealed into Class or by the subscriber's name, charged by what
 * their running totals grew by, answered after that is durable.
 */
import { HELD, leaseAddress, poolOfAddress, releaseAddress } from '../../charging/address-pools.js';
import type { Engine } from '../../charging/engine.js';
import {
  noteBoot,
  readTrackedSession,
  sessionsOfNas,
  type NetworkSession,
} from '../../charging/network-sessions.js';
import {
  takeReport,
  type NetworkReport,
  type ReportOutcome,
} from '../../charging/session-report.js';
import { readAccount } from '../../charging/snapshot.js';
import type { AccountingOutcome, NasReport, SessionReport } from '../../domain/access.js';
import type { AccessPlan, AddressPool } from '../../domain/access-plan.js';
import type { SubscriberProfile } from '../../domain/profile.js';
import type { Logger } from '../../observability/logger.js';
import type { CatalogHolder } from '../catalog-holder.js';
import type { AccessMetrics } from './access-metrics.js';
import { sessionsMaxOf } from './access-terms.js';
import type { AccessSubjects } from './access-subject.js';
import { accessPolicy, PROVISIONAL_MS, sessionIdOf } from './admission.js';
import { accessStamp, keptContext } from './event-stamp.js';
import { fairUseCaps } from './fair-use.js';
import { meterServices } from './metered-services.js';
import { chargeOf, networkSession, planTerms, UNPLANNED } from './reported-session.js';

export interface AccountingOptions {
  readonly partitions: number;
  /** Reports in a row that a session may miss before it is taken for gone. */
  readonly missedReportsMax: number;
}

export interface AccountingDependencies {
  readonly engine: Engine;
  readonly catalog: CatalogHolder;
  readonly subjects: AccessSubjects;
  readonly logger: Logger;
  readonly metrics: AccessMetrics;
  /** Milliseconds since 1970; picks the rates sent along. */
  readonly clock: () => number;
}

/** What a report that was taken made of its session. */
type Taken = Exclude<ReportOutcome, { readonly kind: 'refused' }>;

export interface Accounting {
  session(report: SessionReport): Promise<AccountingOutcome>;
  nas(report: NasReport): Promise<AccountingOutcome>;
  /** Ends a session without a word of its NAS; nothing happens to one that has ended. */
  end(partition: number, sessionId: string, cause: EndCause): Promise<void>;
}

/** Why a session ended that its NAS did not stop. */
export type EndCause = 'replaced' | 'nas-restarted' | 'no-address' | 'unknown-to-nas';

/** Whose session it is, and what holds for it. */
export interface Payer {
  readonly profile: SubscriberProfile;
  readonly plan: AccessPlan;
}

/** A session nobody heard of is charged from its beginning if it began within a day. */
const BASELINE_MS = 24 * 3_600_000;
/** Beyond the time after which a session is stale: its address must not be given away before. */
const LEASE_MARGIN = 2;
/** Sessions of a NAS that are ended side by side. */
const ENDED_AT_ONCE = 50;

export function createAccounting(
  options: AccountingOptions,
  dependencies: AccountingDependencies,
): Accounting {
  const { engine, catalog, subjects, logger, metrics, clock } = dependencies;

  async function session(report: SessionReport): Promise<AccountingOutcome> {
    if (report.status === 'start' && report.bootMark !== null) {
      await endBefore(report, report.bootMark);
    }
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const fresh = attempt > 0;
      const payer = (fresh ? null : knownPayer(report)) ?? (await payerOf(report, fresh));
      if (payer === null) {
        if (!fresh) continue;
        logger.warn({ nas: report.nas }, 'report of a session that belongs to nobody; set aside');
        return { kind: 'ignored' };
      }
      const outcome = await takeReport(engine, networkReport(report, payer));
      if (outcome.kind !== 'refused') {
        // Nearly all of them leave nothing to settle, and nothing is waited for.
        if (outcome.replaced.length > 0 || catalog.current().addressPools.length > 0) {
          await settle(report, payer, outcome);
        }
        return RECORDED;
      }
      switch (outcome.refusal) {
        case 'stale-profile':
        case 'unknown-account':
          continue;
        case 'unknown-session':
        case 'amount-out-of-range':
          logger.warn(
            { nas: report.nas, session: report.sessionKey, why: outcome.refusal },
            'report set aside and not charged',
          );
          return { kind: 'ignored' };
        case 'fenced':
        case 'newer-state':
          return { kind: 'unavailable' };
      }
    }
    return { kind: 'unavailable' };
  }

  /** Ends what the session took the place of. Its address goes on with it, and rests after it. */
  async function settle(
    report: SessionReport,
    { profile, plan }: Payer,
    { kind, replaced, sessionId }: Taken,
  ): Promise<void> {
    for (const other of replaced) await end(profile.partition, other, 'replaced');
    const { address, status } = report;
    // An old report says nothing of an address: its session may be over, and somebody else has it.
    if (kind !== 'taken' && status !== 'stop') return;
    for (const pool of poolsOf(address, plan)) {
      if (status === 'stop') {
        await releaseAddress(engine, { pool, sessionId });
        continue;
      }
      const silentMs = plan.interim.maxSeconds * 1000 * options.missedReportsMax;
      const kept = await leaseAddress(engine, {
        pool,
        sessionId,
        owner: `${profile.accountId} ${report.station ?? ''}`,
        leaseMs: LEASE_MARGIN * Math.max(silentMs, PROVISIONAL_MS),
        address: address ?? HELD,
      });
      if (kept === null && address !== null) {
        logger.warn({ nas: report.nas, pool: pool.code }, 'two sessions report one address');
      }
    }
  }

  /** The pool of an address; where the NAS says none, those that the plan gives addresses of. */
  function poolsOf(address: string | null, plan: AccessPlan): readonly AddressPool[] {
    const { addressPools } = catalog.current();
    if (addressPools.length === 0) return [];
    if (address !== null) {
      const pool = poolOfAddress(addressPools, address);
      return pool === undefined ? [] : [pool];
    }
    const codes = [...Object.values(plan.services), plan.garden].flatMap((service) =>
      service?.address?.kind === 'pool' ? [service.address.code] : [],
    );
    return addressPools.filter(({ code }) => codes.includes(code));
  }

  /** The payer as it is remembered, which is so of nearly every report: nothing is waited for. */
  function knownPayer({ handle, identities, networkScope }: SessionReport): Payer | null {
    const profile = subjects.recall(networkScope, identities);
    return profile !== null && isOwn(profile, handle) ? withPlan(profile) : null;
  }

  async function payerOf(report: SessionReport, fresh: boolean): Promise<Payer | null> {
    const { handle, identities, networkScope } = report;
    const found = await subjects.find(networkScope, identities, fresh);
    if (found !== null && isOwn(found.profile, handle)) return withPlan(found.profile);
    if (handle === null || !fresh) return null;
    // The name is somebody else's by now, or nobody's: the session goes on as it was admitted.
    const { partition, accountId } = handle;
    const [tracked, account] = await Promise.all([
      readTrackedSession(engine, partition, sessionIdOf(handle.nonce)),
      readAccount(engine, partition, accountId),
    ]);
    if (tracked?.network === undefined || tracked.network === null || account === null) return null;
    const { tenant, customer, subscription, tariff, plan, chargingPlan } = tracked.network;
    return withPlan(
      {
        ...{ accountId, partition, tenant, customer, subscription, tariff },
        version: account.profileVersion,
        sharing: null,
        ...(chargingPlan !== null && { plan: chargingPlan }),
      },
      plan,
    );
  }

  function withPlan(profile: SubscriberProfile, code = profile.access?.plan): Payer {
    const plan =
      code === undefined ? undefined : catalog.current().accessPlan(profile.tenant, code);
    return { profile, plan: plan ?? UNPLANNED };
  }

  function networkReport(report: SessionReport, { profile, plan }: Payer): NetworkReport {
    const version = catalog.current();
    const at = clock();
    const { context: network } = report;
    const metered = meterServices({ catalog: version, profile, plan, network, at });
    const { counters, handle } = report;
    const terms = planTerms(plan);
    const kept = handle === null ? keptContext(report, profile, plan.code) : undefined;
    return {
      charge: chargeOf(profile, {
        sessionId: handle === null ? report.sessionKey : sessionIdOf(handle.nonce),
        stamp: accessStamp(report, profile, version.version, kept),
        policy: accessPolicy(version.policy(profile.tenant, profile.plan ?? null), plan),
        services: metered.services,
        cause: report.terminationCause,
      }),
      gauges: metered.gauges,
      freeTerms: metered.freeTerms,
      rates: terms.rates,
      ladder: terms.ladder,
      status: report.status,
      eventAt: report.eventAt,
      uploadOctets: counters?.uploadOctets ?? null,
      downloadOctets: counters?.downloadOctets ?? null,
      width: counters?.width ?? 64,
      sessionSeconds: report.sessionSeconds,
      user: profile.subscription ?? profile.accountId,
      nas: report.nas,
      sessionKey: report.sessionKey,
      station: report.station,
      port: report.port,
      handled: handle !== null,
      interimMaxSeconds: plan.interim.maxSeconds,
      staleFactor: options.missedReportsMax,
      caps: fairUseCaps(plan, profile, { catalog: version, at }),
      network: () => JSON.stringify(networkSession(report, profile, plan.code)),
      baselineMs: BASELINE_MS,
      expiresAt: profile.access?.expiresAt ?? null,
      sessionsMax: sessionsMaxOf(profile, plan),
    };
  }

  async function end(partition: number, sessionId: string, cause: EndCause): Promise<void> {
    const tracked = await readTrackedSession(engine, partition, sessionId);
    if (tracked === null || tracked.state === 'ended') return;
    const { accountId, network } = tracked;
    const account = await readAccount(engine, partition, accountId);
    if (account === null) return;
    const nas = network?.pointer.nas ?? '';
    const outcome = await takeReport(engine, {
      charge: chargeOf(
        { partition, accountId, version: account.profileVersion, sharing: null },
        {
          sessionId,
          stamp: {
            tenant: network?.tenant ?? '',
            customer: network?.customer ?? null,
            subscription: network?.subscription ?? null,
            protocol: 'radius',
            peer: nas,
            serviceContext: null,
            personal: {},
            network: {},
            eventTimestamp: null,
            configVersion: catalog.current().version,
          },
          policy: accessPolicy(catalog.current().policy(network?.tenant ?? '', null), UNPLANNED),
          services: [],
          cause,
        },
      ),
      gauges: [],
      freeTerms: [],
      rates: { total: 0, download: 0, upload: 0 },
      status: 'ended',
      eventAt: tracked.eventAt,
      uploadOctets: null,
      downloadOctets: null,
      width: 64,
      sessionSeconds: null,
      user: network?.subscription ?? accountId,
      nas,
      sessionKey: network?.pointer.sessionKey ?? '',
      station: null,
      port: null,
      handled: true,
      interimMaxSeconds: UNPLANNED.interim.maxSeconds,
      staleFactor: options.missedReportsMax,
      caps: [],
      network: null,
      baselineMs: BASELINE_MS,
      expiresAt: null,
      sessionsMax: null,
      ladder: [],
    });
    if (outcome.kind === 'refused') return;
    metrics.ended.inc({ cause });
    const plan =
      network === null ? undefined : catalog.current().accessPlan(network.tenant, network.plan);
    for (const pool of poolsOf(network?.pointer.address ?? null, plan ?? UNPLANNED)) {
      await releaseAddress(engine, { pool, sessionId });
    }
  }

  /** Ends what a NAS had before a boot: its sessions with other marks, or all of them. */
  async function endAll(
    nas: string,
    isGone: (network: NetworkSession | null, eventAt: number) => boolean,
  ): Promise<void> {
    const endIfGone = async (partition: number, sessionId: string): Promise<void> => {
      const tracked = await readTrackedSession(engine, partition, sessionId);
      if (tracked !== null && isGone(tracked.network, tracked.eventAt)) {
        await end(partition, sessionId, 'nas-restarted');
      }
    };
    for (let partition = 0; partition < options.partitions; partition += 1) {
      const sessionIds = await sessionsOfNas(engine, partition, nas);
      while (sessionIds.length > 0) {
        const some = sessionIds.splice(0, ENDED_AT_ONCE);
        await Promise.all(some.map((sessionId) => endIfGone(partition, sessionId)));
      }
    }
  }

  async function endBefore(
    { nas, device, eventAt: bootedBy }: SessionReport,
    mark: string,
  ): Promise<void> {
    const whose = device === null ? nas : `${nas} ${device}`;
    if (!(await noteBoot(engine, whose, mark))) return;
    logger.info({ nas, device }, 'NAS has started anew: its older sessions are over');
    // Who was heard of since then is there: it is the report that is old.
    const isBefore = ({ bootMark }: NetworkSession, eventAt: number): boolean =>
      bootMark !== mark && eventAt <= bootedBy;
    await endAll(
      nas,
      (network, eventAt) => network !== null && isAt(network, device) && isBefore(network, eventAt),
    );
  }

  async function nas(report: NasReport): Promise<AccountingOutcome> {
    // Sessions that reported after it began again are new ones: the message was late.
    await endAll(
      report.nas,
      (network, eventAt) => isAt(network, report.device) && eventAt <= report.eventAt,
    );
    return RECORDED;
  }

  return { session, nas, end };
}

/** Whether a session is at a device of its NAS. */
function isAt(network: NetworkSession | null, device: string | null): boolean {
  return (network?.device ?? null) === device;
}

const RECORDED: AccountingOutcome = { kind: 'recorded' };

/** A session goes on with the account that it was admitted to. */
function isOwn(
  { accountId }: Pick<SubscriberProfile, 'accountId'>,
  handle: SessionReport['handle'],
): boolean {
  return handle === null || accountId === handle.accountId;
}
