/**
 * What network access gives and how it ends: speeds, caps, what happens when credit is spent, and
 * where addresses come from. What it costs is the tariff's.
 */
import type { ConnectionKind, RejectReason, Speed } from './access.js';
import type { Amount } from './amounts.js';

/** Which octets count. */
export const VOLUME_DIRECTIONS = ['total', 'download', 'upload'] as const;
export type VolumeDirection = (typeof VOLUME_DIRECTIONS)[number];

export const CAP_PERIODS = ['day', 'week', 'month'] as const;
export type CapPeriod = (typeof CAP_PERIODS)[number];

/** From where a session gets its address. */
export type AddressSource =
  /** A pool of the NAS, by its name there. */
  | { readonly kind: 'nas-pool'; readonly name: string }
  /** A pool of ours. */
  | { readonly kind: 'pool'; readonly code: string };

/** Fair use: past the cap, until the period ends, sessions have this speed. */
export interface FairUseStep {
  readonly id: string;
  readonly period: CapPeriod;
  readonly counts: VolumeDirection;
  readonly octets: Amount;
  readonly speed: Speed;
}

/** Steps down when credit is spent; the next is taken where one does not work. */
export type LadderStep =
  | { readonly kind: 'speed'; readonly speed: Speed }
  | { readonly kind: 'garden' }
  | { readonly kind: 'disconnect' };

/** Where those are let in who may not have more: to pay, and nowhere else. */
export interface WalledGarden {
  /** Firewall list of the NAS. */
  readonly addressList?: string;
  readonly address?: AddressSource;
  readonly speed?: Speed;
  readonly filters?: readonly string[];
  /** Profile or group of the NAS. */
  readonly profile?: string;
  readonly redirectUrl?: string;
  readonly sessionSecondsMax?: number;
}

/** What holds for one kind of connection besides what holds for all. */
export interface AccessService {
  readonly address?: AddressSource;
  readonly profile?: string;
  readonly filters?: readonly string[];
  readonly addressList?: string;
}

export interface AccessPlan {
  readonly code: string;
  readonly name?: string;
  /** Absent: the NAS' own rule holds. */
  readonly speed?: Speed;
  /** What is counted for rating: octets of a direction, seconds online, or both. */
  readonly charges: { readonly volume: VolumeDirection | null; readonly time: boolean };
  /** Rating group under which usage is rated; context is "radius". */
  readonly ratingGroup: number;
  /** Kinds of connection it is good for; those of `services` where absent, all where none. */
  readonly services: Partial<Readonly<Record<ConnectionKind, AccessService>>>;
  readonly sessionsMax: number | null;
  readonly devicesMax?: number;
  readonly idleSecondsMax?: number;
  readonly sessionSecondsMax?: number;
  /** Bounds of what is chosen per session from what is left and the speed. */
  readonly interim: { readonly minSeconds: number; readonly maxSeconds: number };
  readonly dnsServers?: readonly string[];
  /** From the first cap to the last. */
  readonly fairUse: readonly FairUseStep[];
  /** When credit is spent while a session lasts; just a disconnect where empty. */
  readonly ladder: readonly LadderStep[];
  /** At login: turned away, or let into the garden. */
  readonly noCredit: 'reject' | 'garden';
  readonly expired: 'reject' | 'garden';
  readonly garden?: WalledGarden;
  /** Words for the subscriber by reason. */
  readonly messages: Partial<Readonly<Record<RejectReason, string>>>;
}

/** Interim bounds of a plan that names none; RFC 2869 5.16 has 60 as the least. */
export const INTERIM_DEFAULTS = { minSeconds: 60, maxSeconds: 300 } as const;

/** Addresses that are ours to give. */
export interface AddressPool {
  /** Unique in the installation. */
  readonly code: string;
  /** Spans with both ends, ascending, none overlapping another: "10.0.0.2", "10.0.3.254". */
  readonly ranges: readonly { readonly first: string; readonly last: string }[];
  /** How long an address rests after its session before another subscriber gets it. */
  readonly restSeconds: number;
}
