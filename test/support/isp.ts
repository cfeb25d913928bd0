/** A small ISP for tests: one NAS, plans, subscribers with passwords, and what decides for them. */
import type { Engine } from '../../src/charging/engine.js';
import {
  creditAccount,
  provisionAccount,
  publishConfiguration,
  publishProfile,
} from '../../src/charging/provisioning.js';
import {
  createAccessControl,
  type AccessControl,
  type AccessControlOptions,
} from '../../src/credit-control/access/access-control.js';
import { createAccessMetrics } from '../../src/credit-control/access/access-metrics.js';
import { createCatalogHolder } from '../../src/credit-control/catalog-holder.js';
import type { AccessPlan, AddressPool } from '../../src/domain/access-plan.js';
import type { AccessProfile } from '../../src/domain/access-profile.js';
import { canonicalMac, type AccessRequest, type SessionReport } from '../../src/domain/access.js';
import type { NasDeclaration } from '../../src/domain/nas.js';
import type { AccountStanding } from '../../src/domain/events.js';
import { createMetrics } from '../../src/observability/metrics.js';
import type { Catalog } from '../../src/rating/catalog.js';
import { CHARGING_POLICY_DEFAULTS } from '../../src/rating/charging-policy.js';
import { createSecretBox, SECRET_USES } from '../../src/secret-box.js';
import type { Tariff } from '../../src/rating/tariff.js';
import { newBucket, stamp } from './charge-requests.js';
import { silentLogger } from './charging-engine.js';
import { CATALOG } from './operator.js';

const ISP_KEYS = ['a key for nothing but tests'];
export const ISP_SCOPE = 'isp';
const secrets = createSecretBox(ISP_KEYS);

/** Octets of both directions; 8 Mbit/s down and 2 up. */
export const HOME: AccessPlan = {
  code: 'home',
  speed: { uploadBitsPerSecond: 2_000_000, downloadBitsPerSecond: 8_000_000 },
  charges: { volume: 'total', time: false },
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

/** Octets by money: 1 EUR for 10 MB, in steps of 10,000 octets; rating group 9 is barred. */
const BY_VOLUME: Tariff = {
  code: 'by-volume',
  timezone: 'Europe/Berlin',
  currency: { code: 'EUR', scale: 6 },
  versions: [
    {
      id: '1',
      startsAt: '2020-01-01',
      rates: [
        { id: 'data', unit: 'octets', price: { amount: '1', per: 10_000_000 }, step: 10_000 },
      ],
      rules: [
        { id: 'data', match: { ratingGroups: [0] }, rate: 'data' },
        { id: 'barred', match: { ratingGroups: [9] }, barred: true },
      ],
      quotas: [],
    },
  ],
};

export interface IspOptions {
  readonly plans?: readonly AccessPlan[];
  readonly pools?: readonly AddressPool[];
  readonly nas?: readonly NasDeclaration[];
}

/** Publishes the ISP's configuration. */
export async function openIsp(
  engine: Engine,
  { plans = [HOME], pools = [], nas = [] }: IspOptions = {},
  version = 1,
): Promise<void> {
  const catalog: Catalog = {
    ...CATALOG,
    addressPools: pools,
    nas,
    tenants: [
      {
        code: 'isp',
        resources: [
          { code: 'octets', kind: 'units', scale: 0, consumptionOrder: 'earliest-expiring' },
          { code: 'seconds', kind: 'units', scale: 0, consumptionOrder: 'earliest-expiring' },
          { code: 'EUR', kind: 'money', scale: 6, consumptionOrder: 'earliest-expiring' },
        ],
        tariffs: [BY_VOLUME],
        policy: CHARGING_POLICY_DEFAULTS,
        accessPlans: plans,
      },
    ],
  };
  await publishConfiguration(engine, version, JSON.stringify(catalog));
}

export interface IspSubscriber {
  readonly name?: string;
  readonly password?: string;
  readonly octets?: number;
  readonly seconds?: number;
  /** EUR, by which octets are paid where they are given. */
  readonly money?: number;
  readonly standing?: AccountStanding;
  readonly version?: number;
  readonly access?: Partial<AccessProfile>;
}

/** Opens a subscriber's account and publishes its profile; a later version replaces the profile. */
export async function openSubscriber(
  engine: Engine,
  subscriber: IspSubscriber = {},
): Promise<void> {
  const { name = 'anna', password = 'sekrit', standing = 'active', version = 1 } = subscriber;
  const place = { partition: 0, accountId: name, stamp };
  await provisionAccount(engine, { ...place, standing, profileVersion: version });
  const buckets = [
    ...(subscriber.octets === undefined
      ? []
      : [newBucket(`${name}-octets`, 'octets', subscriber.octets)]),
    ...(subscriber.seconds === undefined
      ? []
      : [newBucket(`${name}-seconds`, 'seconds', subscriber.seconds)]),
    ...(subscriber.money === undefined
      ? []
      : [newBucket(`${name}-money`, 'EUR', subscriber.money * 1_000_000)]),
  ];
  if (version === 1) {
    await creditAccount(engine, {
      ...place,
      intentNumber: 1,
      intentId: `${name}-1`,
      kind: 'grant',
      reason: null,
      operations: buckets.map((bucket) => ({ operation: 'grant', bucket })),
    });
  }
  const sealed = secrets.seal(SECRET_USES.subscriber(name), password);
  await publishProfile(
    engine,
    ISP_SCOPE,
    { kind: 'user-name', value: name },
    {
      accountId: name,
      partition: 0,
      version,
      tenant: 'isp',
      customer: null,
      subscription: name,
      tariff: subscriber.money === undefined ? '' : 'by-volume',
      sharing: null,
      access: {
        credential: { kind: 'clear', password: sealed },
        plan: 'home',
        ...subscriber.access,
      },
    },
  );
}

/** What decides for the ISP in one process. */
export async function ispProcess(
  engine: Engine,
  options: Partial<AccessControlOptions> = {},
): Promise<AccessControl> {
  const catalog = createCatalogHolder({ engine, logger: silentLogger });
  await catalog.refresh();
  return createAccessControl(
    {
      partitions: 1,
      missedReportsMax: 4,
      lockOut: { failuresMax: 3, seconds: 60 },
      ...options,
    },
    {
      ...{ engine, catalog, secrets, logger: silentLogger, clock: Date.now },
      metrics: createAccessMetrics(createMetrics({ processMetrics: false })),
    },
  );
}

let logins = 0;

/** A PPPoE login with a password in clear. */
export function login(more: Partial<AccessRequest> & { readonly password?: string } = {}) {
  const { password = 'sekrit', ...rest } = more;
  logins += 1;
  const request: AccessRequest = {
    nas: 'bng',
    networkScope: ISP_SCOPE,
    requestKey: `login-${logins}`,
    step: 'admit',
    identities: [{ kind: 'user-name', value: 'anna' }],
    proof: {
      method: 'pap',
      verify: async (secret) =>
        secret.kind === 'clear' && secret.password === password ? 'proven' : 'wrong',
    },
    connection: 'pppoe',
    sessionKey: null,
    station: canonicalMac('02:00:00:00:00:01'),
    receivedAt: Date.now(),
    context: {},
    ...rest,
  };
  return request;
}

/** An interim report of the subscriber's session. */
export function report(more: Partial<SessionReport>): SessionReport {
  return {
    kind: 'session',
    nas: 'bng',
    networkScope: ISP_SCOPE,
    sessionKey: 'radius:bng:81000001',
    handle: null,
    status: 'interim',
    counters: null,
    sessionSeconds: null,
    eventAt: Date.now(),
    receivedAt: Date.now(),
    eventTimestamp: null,
    terminationCause: null,
    identities: [{ kind: 'user-name', value: 'anna' }],
    connection: 'pppoe',
    station: canonicalMac('02:00:00:00:00:01'),
    address: null,
    port: null,
    bootMark: null,
    device: null,
    context: {},
    ...more,
  };
}
