/** Subscribers of network access, and what a NAS says of them, without the RADIUS front. */
import type { Engine } from '../src/charging/engine.js';
import { openKeySpace } from '../src/charging/partitions.js';
import { partitionOf } from '../src/charging/keys.js';
import {
  creditAccount,
  provisionAccount,
  publishConfiguration,
  publishProfile,
} from '../src/charging/provisioning.js';
import {
  createAccessControl,
  type AccessControl,
} from '../src/credit-control/access/access-control.js';
import { createAccessMetrics } from '../src/credit-control/access/access-metrics.js';
import { createCatalogHolder } from '../src/credit-control/catalog-holder.js';
import type { AccessRequest, SessionHandle, SessionReport } from '../src/domain/access.js';
import type { AccessPlan } from '../src/domain/access-plan.js';
import { toAmount } from '../src/domain/amounts.js';
import type { EventStamp } from '../src/domain/events.js';
import { createLogger } from '../src/observability/logger.js';
import { createMetrics } from '../src/observability/metrics.js';
import type { Catalog } from '../src/rating/catalog.js';
import { CHARGING_POLICY_DEFAULTS } from '../src/rating/charging-policy.js';
import { createSecretBox, SECRET_USES } from '../src/secret-box.js';
import { managementStamp, newBucket } from '../test/support/charge-requests.js';
import { PARTITIONS } from './charge-workload.js';
import { acctSessionId, NAS_NAME, PASSWORD, REPORT, userName } from './radius-requests.js';

const SCOPE = 'isp';
const silent = createLogger({ level: 'silent' });
const secrets = createSecretBox(['a key for the measurement']);

const HOME: AccessPlan = {
  code: 'home',
  speed: { uploadBitsPerSecond: 10_000_000, downloadBitsPerSecond: 50_000_000 },
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

const CATALOG: Catalog = {
  diameterPeers: [],
  nas: [],
  addressPools: [],
  tenants: [
    {
      code: 'bench',
      resources: [
        { code: 'octets', kind: 'units', scale: 0, consumptionOrder: 'earliest-expiring' },
        { code: 'EUR', kind: 'money', scale: 6, consumptionOrder: 'earliest-expiring' },
      ],
      tariffs: [
        {
          code: 'data',
          timezone: 'UTC',
          currency: { code: 'EUR', scale: 6 },
          versions: [
            {
              id: '1',
              startsAt: '2020-01-01',
              rates: [
                { id: 'data', unit: 'octets', price: { amount: '0.50', per: 1_000_000_000 } },
              ],
              rules: [{ id: 'data', match: {}, rate: 'data' }],
              quotas: [],
            },
          ],
        },
      ],
      policy: CHARGING_POLICY_DEFAULTS,
      accessPlans: [HOME],
    },
  ],
};

const STAMP: EventStamp = { ...managementStamp, tenant: 'bench' };

/** Lays out an empty Redis and fills it: each user with a bundle that lasts, and some money. */
export async function openUsers(engine: Engine, users: number): Promise<void> {
  await openKeySpace(engine, PARTITIONS, null);
  await publishConfiguration(engine, 1, JSON.stringify(CATALOG));
  for (let user = 0; user < users; user += 1) await openUser(engine, userName(user));
}

async function openUser(engine: Engine, name: string): Promise<void> {
  const partition = partitionOf(name, PARTITIONS);
  const place = { partition, accountId: name, stamp: STAMP };
  await provisionAccount(engine, { ...place, standing: 'active', profileVersion: 1 });
  const buckets = [newBucket('bundle', 'octets', 1e15), newBucket('main', 'EUR', 10_000_000)];
  await creditAccount(engine, {
    ...place,
    intentNumber: 1,
    intentId: `${name}-1`,
    kind: 'grant',
    reason: null,
    operations: buckets.map((bucket) => ({ operation: 'grant', bucket })),
  });
  const identity = { kind: 'user-name', value: name } as const;
  await publishProfile(engine, SCOPE, identity, {
    ...{ accountId: name, partition, version: 1, tenant: 'bench', customer: null },
    ...{ subscription: name, tariff: 'data', sharing: null },
    access: {
      credential: {
        kind: 'clear',
        password: secrets.seal(SECRET_USES.subscriber(name), PASSWORD),
      },
      plan: HOME.code,
    },
  });
}

/** What decides in one process, with the settings of a first start. */
export async function startAccess(engine: Engine): Promise<AccessControl> {
  const catalog = createCatalogHolder({ engine, logger: silent });
  await catalog.refresh();
  return createAccessControl(
    {
      partitions: PARTITIONS,
      missedReportsMax: 4,
      lockOut: { failuresMax: 10, seconds: 300 },
    },
    {
      ...{ engine, catalog, secrets, logger: silent, clock: Date.now },
      metrics: createAccessMetrics(createMetrics({ processMetrics: false })),
    },
  );
}

function contextOf(user: number): Readonly<Record<string, string>> {
  return {
    nasIdentifier: NAS_NAME,
    nasAddress: '127.0.0.1',
    portId: 'ether2',
    calledStation: 'isp',
    callingStation: stationOf(user),
    portType: 'Ethernet',
    serviceType: 'Framed',
    framedProtocol: 'PPP',
  };
}

function stationOf(user: number): string {
  const digits = user.toString(16).padStart(6, '0').toUpperCase();
  return `02:00:5E:${digits.match(/../g)?.join(':') ?? ''}`;
}

function partsOf(user: number, session: number) {
  return {
    nas: NAS_NAME,
    networkScope: SCOPE,
    identities: [{ kind: 'user-name', value: userName(user) }],
    connection: 'pppoe',
    sessionKey: `radius:${NAS_NAME}:${acctSessionId(session)}`,
    station: stationOf(user),
    receivedAt: Date.now(),
    context: contextOf(user),
  } as const;
}

/** A login with the password in clear. */
export function loginOf(user: number, session: number): AccessRequest {
  return {
    ...partsOf(user, session),
    requestKey: session.toString(16).padStart(32, '0'),
    step: 'admit',
    proof: {
      method: 'pap',
      verify: async (secret) =>
        secret.kind === 'clear' && secret.password === PASSWORD ? 'proven' : 'wrong',
    },
  };
}

/** A report of RouterOS; its totals are that many times {@link REPORT}. */
export function reportOf(
  user: number,
  session: number,
  said: Pick<SessionReport, 'status' | 'handle'> & {
    readonly number: number;
    readonly handle: SessionHandle;
  },
): SessionReport {
  const { number, status, handle } = said;
  const address = `10.64.${(user >>> 8) & 0xff}.${user & 0xff}`;
  const parts = partsOf(user, session);
  return {
    ...parts,
    ...{ kind: 'session', handle, status },
    counters:
      status === 'start'
        ? null
        : {
            uploadOctets: toAmount(REPORT.uploadOctets * number),
            downloadOctets: toAmount(REPORT.downloadOctets * number),
            width: 64,
          },
    sessionSeconds: REPORT.seconds * number,
    eventAt: parts.receivedAt,
    eventTimestamp: Math.floor(parts.receivedAt / 1_000) * 1_000,
    terminationCause: status === 'stop' ? 'User-Request' : null,
    address,
    port: null,
    device: null,
    bootMark: null,
    context: { ...parts.context, address },
  };
}

/** One step of every user's day. */
export interface SessionStep {
  readonly name: string;
  /** @throws Error where it is not answered as it is to be. */
  readonly work: (access: AccessControl, user: number) => Promise<void>;
}

/** The day of each user: comes in, reports, goes, and comes in again, the last time beside a session. */
export function sessionSteps(users: number): readonly SessionStep[] {
  const sessions = new Map<number, { readonly number: number; readonly handle: SessionHandle }>();
  const login =
    (turn: number): SessionStep['work'] =>
    async (access, user) => {
      const number = user + turn * users;
      const decision = await access.access(loginOf(user, number));
      if (decision.kind !== 'accepted') throw new Error(`login: ${JSON.stringify(decision)}`);
      sessions.set(user, { number, handle: decision.session });
    };
  const report =
    (status: SessionReport['status'], number: number): SessionStep['work'] =>
    async (access, user) => {
      const session = sessions.get(user);
      if (session === undefined) throw new Error(`user ${user} has no session`);
      const { handle } = session;
      const outcome = await access.accounting(
        reportOf(user, session.number, { status, number, handle }),
      );
      if (outcome.kind !== 'recorded') throw new Error(`report: ${JSON.stringify(outcome)}`);
    };
  return [
    { name: 'login, the first', work: login(0) },
    { name: 'start', work: report('start', 0) },
    { name: 'report, the first', work: report('interim', 1) },
    { name: 'report, the second', work: report('interim', 2) },
    { name: 'report, the third', work: report('interim', 3) },
    { name: 'report, repeated', work: report('interim', 3) },
    { name: 'stop', work: report('stop', 4) },
    { name: 'login, the second', work: login(1) },
    { name: 'login, the third', work: login(2) },
    // Two calls: the session that it replaces is ended by one of its own.
    { name: 'start, replacing', work: report('start', 0) },
  ];
}

/** Does the work for each index, so many at once. */
export async function atOnce(
  { count, slots }: { readonly count: number; readonly slots: number },
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      await work(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(slots, count) }, worker));
}
