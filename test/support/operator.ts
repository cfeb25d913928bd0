/** A small operator for tests of what stands above the engine: one tenant, three rating groups. */
import type { Engine } from '../../src/charging/engine.js';
import {
  creditAccount,
  provisionAccount,
  publishConfiguration,
  publishProfile,
} from '../../src/charging/provisioning.js';
import type { CreditControlRequest } from '../../src/domain/credit-control.js';
import type { SubscriberProfile } from '../../src/domain/profile.js';
import type { Catalog } from '../../src/rating/catalog.js';
import { CHARGING_POLICY_DEFAULTS } from '../../src/rating/charging-policy.js';
import type { Tariff } from '../../src/rating/tariff.js';
import { managementStamp, newBucket } from './charge-requests.js';

export const SCOPE = 'home';
export const IMSI = '001010000000001';
export const ACCOUNT = 'anna';

/** Data at 1 EUR per 1,000 octets; voice at 0.6 per minute, 60/30; 30 is free of charge, 40 barred. */
export const TARIFF: Tariff = {
  code: 'standard',
  timezone: 'Europe/Berlin',
  currency: { code: 'EUR', scale: 6 },
  versions: [
    {
      id: '1',
      startsAt: '2020-01-01',
      rates: [
        { id: 'data', unit: 'octets', price: { amount: '1', per: 1000 } },
        {
          id: 'voice',
          unit: 'seconds',
          price: { amount: '0.6', per: 60 },
          firstStep: 60,
          step: 30,
        },
        { id: 'sms', unit: 'events', price: { amount: '0.09' } },
      ],
      rules: [
        { id: 'data', match: { ratingGroups: [10, 11] }, rate: 'data' },
        { id: 'voice', match: { ratingGroups: [20] }, rate: 'voice' },
        { id: 'free', match: { ratingGroups: [30] }, notChargeable: true },
        { id: 'barred', match: { ratingGroups: [40] }, barred: true },
        { id: 'sms', match: { serviceContexts: ['32274@3gpp.org'] }, rate: 'sms' },
      ],
      quotas: [
        {
          ratingGroups: [10],
          unit: 'octets',
          minimum: 1,
          default: 500,
          maximum: 2000,
          validitySeconds: 300,
        },
        {
          ratingGroups: [11],
          unit: 'octets',
          minimum: 1,
          default: 500,
          maximum: 2000,
          finalUnit: { action: 'redirect', addressType: 'url', address: 'http://top-up.example' },
        },
      ],
    },
  ],
};

export const CATALOG: Catalog = {
  tenants: [
    {
      code: 'acme',
      resources: [
        { code: 'octets', kind: 'units', scale: 0, consumptionOrder: 'earliest-expiring' },
        { code: 'EUR', kind: 'money', scale: 6, consumptionOrder: 'earliest-expiring' },
      ],
      tariffs: [TARIFF],
      policy: CHARGING_POLICY_DEFAULTS,
    },
  ],
  diameterPeers: [
    { name: 'gateway', originHost: null, realm: 'gateway.test', networkScope: SCOPE },
  ],
};

/** The profile of a test account in partition 0. */
export function profileOf(accountId: string, version = 1): SubscriberProfile {
  return {
    accountId,
    partition: 0,
    version,
    tenant: 'acme',
    customer: null,
    subscription: null,
    tariff: 'standard',
    sharing: null,
  };
}

/** Publishes the catalog, and an account with a bundle of octets before its money (in EUR). */
export async function openOperator(
  engine: Engine,
  holdings: { readonly octets?: number; readonly money?: number },
): Promise<void> {
  await publishConfiguration(engine, 1, JSON.stringify(CATALOG));
  await openAccount(engine, { accountId: ACCOUNT, imsi: IMSI, ...holdings });
}

/** Opens one more account of the operator. */
export async function openAccount(
  engine: Engine,
  {
    accountId,
    imsi,
    octets = 0,
    money = 0,
  }: {
    readonly accountId: string;
    readonly imsi: string;
    readonly octets?: number;
    readonly money?: number;
  },
): Promise<void> {
  const place = { partition: 0, accountId, stamp: managementStamp };
  await provisionAccount(engine, { ...place, standing: 'active', profileVersion: 1 });
  await creditAccount(engine, {
    ...place,
    intentNumber: 1,
    intentId: `${accountId}-1`,
    kind: 'grant',
    reason: null,
    operations: [
      {
        operation: 'grant',
        bucket: newBucket(`${accountId}-data`, 'octets', octets),
      },
      {
        operation: 'grant',
        bucket: newBucket(`${accountId}-money`, 'EUR', money * 1_000_000),
      },
    ],
  });
  await publishProfile(engine, SCOPE, { kind: 'imsi', value: imsi }, profileOf(accountId));
}

/** A Gy request of the test subscriber. */
export function gyRequest(
  more: Partial<CreditControlRequest> & Pick<CreditControlRequest, 'phase' | 'requestNumber'>,
): CreditControlRequest {
  return {
    protocol: 'gy',
    sessionId: 'gateway.test;1;1',
    peer: 'gateway',
    networkScope: SCOPE,
    origin: { host: 'pgw.gateway.test', realm: 'gateway.test' },
    identities: [{ kind: 'imsi', value: IMSI }],
    serviceContext: '32251@3gpp.org',
    services: [],
    retransmitted: false,
    context: {},
    ...more,
  };
}
