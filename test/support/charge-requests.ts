/** Requests to the engine with everything filled in that a test does not speak of. */
import type {
  ChargePolicy,
  ChargeRequest,
  ChargeService,
  ChargeWindow,
} from '../../src/charging/charge-request.js';
import type { NewBucket } from '../../src/charging/event-codec.js';
import { AMOUNT_MAX, toAmount, ZERO, type Amount } from '../../src/domain/amounts.js';
import type { EventStamp } from '../../src/domain/events.js';
import type { RateLine } from '../../src/rating/rate-line.js';

/** The instant at which tests begin: Saturday 2026-11-21, 10:00 UTC. */
export const START_MS = Date.UTC(2026, 10, 21, 10);

export const stamp: EventStamp = {
  tenant: 'test',
  customer: null,
  subscription: null,
  protocol: 'gy',
  peer: 'gateway',
  serviceContext: '32251@3gpp.org',
  personal: { imsi: '262011234567890' },
  network: {},
  eventTimestamp: null,
  configVersion: 1,
};

/** Of what staff do to an account that belongs to no customer. */
export const managementStamp: EventStamp = {
  tenant: 'acme',
  customer: null,
  subscription: null,
  protocol: 'management',
  peer: null,
  serviceContext: null,
  personal: {},
  network: {},
  eventTimestamp: null,
  configVersion: 1,
};

export const policy: ChargePolicy = {
  unknownSession: 'recreate',
  overuse: 'write-off',
  supervisionMs: 1_200_000,
  retentionMs: 600_000,
  graceMs: 0,
};

/** What a price is made of; `num` money for `den` units, no step, no fee, unless said otherwise. */
export type LineParts = Partial<
  Pick<
    RateLine,
    'id' | 'pulses' | 'tiers' | 'counter' | 'connectionFee' | 'minimumCharge' | 'cap' | 'unitsMax'
  >
>;

export function rateLine(parts: LineParts = {}): Required<LineParts> {
  return {
    id: 'tariff@1#rule',
    pulses: [{ from: 0, step: 1 }],
    tiers: [{ from: 0, num: 1, den: 1 }],
    counter: null,
    connectionFee: ZERO,
    minimumCharge: ZERO,
    cap: null,
    unitsMax: AMOUNT_MAX,
    ...parts,
  };
}

/** A window of a line, open for ever unless said otherwise. */
export function chargeWindow(
  line: Required<LineParts>,
  more: Partial<ChargeWindow> = {},
): ChargeWindow {
  return {
    fromMs: 0,
    untilMs: 8.64e15,
    currency: 'EUR',
    line,
    periodStartMs: 0,
    kind: 'charged',
    label: `${line.id} `,
    ...more,
  };
}

/** One service, priced at 1 for each octet, that reports and asks for nothing. */
export function chargeService(more: Partial<ChargeService> = {}): ChargeService {
  return {
    key: '1',
    unit: 'octets',
    ratingGroup: 1,
    used: ZERO,
    usedAfter: ZERO,
    want: null,
    quota: {
      maximum: AMOUNT_MAX,
      minimum: toAmount(1),
      sharePercent: 100,
      validitySeconds: 600,
      shortValiditySeconds: 30,
    },
    windows: [chargeWindow(rateLine())],
    unitOrder: 'earliest-expiring',
    moneyOrder: 'earliest-expiring',
    serviceContext: '32251@3gpp.org',
    zones: [],
    bands: [],
    reason: null,
    ...more,
  };
}

export interface RequestParts extends Partial<Omit<ChargeRequest, 'phase' | 'requestNumber'>> {
  readonly phase: ChargeRequest['phase'];
  readonly number: number;
  /** In place of `services`: what the only service reports and asks for. */
  readonly used?: number;
  readonly want?: number;
}

export function chargeRequest({ phase, number, used, want, ...more }: RequestParts): ChargeRequest {
  return {
    partition: 0,
    accountId: 'a',
    profileVersion: 1,
    sessionId: 's',
    requestNumber: number,
    phase,
    stamp,
    policy,
    services: [
      chargeService({
        used: toAmount(used ?? 0),
        want: want === undefined ? null : toAmount(want),
      }),
    ],
    cause: null,
    ...more,
  };
}

/** A bucket about to be granted: active, open-ended, with a floor of 0. */
export function newBucket(
  bucketId: string,
  resource: string,
  granted: number,
  more: Partial<NewBucket> = {},
): NewBucket {
  const isUnits = ['octets', 'seconds', 'events'].includes(resource);
  return {
    bucketId,
    resource,
    kind: isUnits ? 'units' : 'money',
    priority: isUnits ? 10 : 20,
    state: 'active',
    startsAt: null,
    endsAt: null,
    createdAt: START_MS,
    floor: ZERO,
    granted: granted as Amount,
    step: 1,
    blocker: false,
    bundleId: null,
    detail: {},
    ...more,
  };
}
