/** What is in Postgres of the things that an operator file speaks of, as a plan compares it. */
import type { AccessPlan, AddressPool } from '../../../domain/access-plan.js';
import type { AccessProfile } from '../../../domain/access-profile.js';
import type { AccountStanding, BucketState } from '../../../domain/events.js';
import type { NasDeclaration } from '../../../domain/nas.js';
import type { ChargingPolicy, ResourceDeclaration } from '../../../rating/catalog.js';
import type { Tariff } from '../../../rating/tariff.js';
import type { DeclaredBucket } from './declared-bucket.js';

export interface TenantState {
  readonly name: string;
  readonly timezone: string;
  /** What differs from the defaults. */
  readonly policy: Partial<ChargingPolicy>;
}

export interface ResourceState extends ResourceDeclaration {
  readonly name: string | null;
}

export interface TariffState {
  readonly revision: number;
  readonly retired: boolean;
  readonly definition: Tariff;
}

export interface AccountState {
  readonly tenant: string;
  readonly partition: number;
  readonly tariff: string | null;
  readonly standing: AccountStanding;
  readonly profileVersion: number;
  readonly lastIntent: number;
  /** Buckets that a file granted, as it declared them last. */
  readonly declared: Readonly<Record<string, DeclaredBucket>>;
  /** Buckets that the record knows, from wherever they came. */
  readonly held: ReadonlyMap<string, BucketState | null>;
  /** Why a bucket that a file declared was not granted, by its id. */
  readonly refused: ReadonlyMap<string, string>;
  /** Subscribers that have no tariff of their own. */
  readonly dependents: readonly string[];
}

export interface SubscriberState {
  readonly tenant: string;
  readonly account: string;
  readonly tariff: string | null;
  /** How it comes in over RADIUS; null: not at all. */
  readonly access: AccessProfile | null;
  readonly closed: boolean;
}

/** An identity that is in use. */
export interface IdentityState {
  readonly id: number;
  readonly subscriber: string | null;
  readonly account: string;
  readonly networkScope: string;
  readonly kind: string;
  readonly value: string;
}

export interface PeerState {
  readonly originHost: string | null;
  readonly realm: string;
  readonly networkScope: string;
  readonly definition: Readonly<Record<string, unknown>>;
  readonly retired: boolean;
}

export interface NasState {
  readonly definition: NasDeclaration;
  readonly retired: boolean;
}

export interface AddressPoolState {
  readonly definition: AddressPool;
  readonly retired: boolean;
}

export interface AccessPlanState {
  readonly definition: AccessPlan;
  readonly retired: boolean;
}

/** Somebody who uses an access plan that the file retires. */
export interface AccessPlanUse {
  readonly tenant: string;
  readonly subscriber: string;
  readonly plan: string;
}

/** Somebody who uses a tariff that the file retires. */
export interface TariffUse {
  readonly kind: 'account' | 'subscriber';
  readonly id: string;
  readonly tenant: string;
  readonly tariff: string;
}

export interface CurrentState {
  /** Parts the key space is cut into; null before the installation was opened. */
  readonly partitions: number | null;
  readonly tenants: ReadonlyMap<string, TenantState>;
  /** By tenant, then by code. */
  readonly resources: ReadonlyMap<string, ReadonlyMap<string, ResourceState>>;
  /** The newest revision, by tenant, then by code. */
  readonly tariffs: ReadonlyMap<string, ReadonlyMap<string, TariffState>>;
  readonly accounts: ReadonlyMap<string, AccountState>;
  readonly subscribers: ReadonlyMap<string, SubscriberState>;
  /** Those of the file's subscribers, and those the file claims. */
  readonly identities: readonly IdentityState[];
  readonly peers: ReadonlyMap<string, PeerState>;
  readonly tariffUses: readonly TariffUse[];
  readonly nas: ReadonlyMap<string, NasState>;
  readonly addressPools: ReadonlyMap<string, AddressPoolState>;
  /** By tenant, then by code. */
  readonly accessPlans: ReadonlyMap<string, ReadonlyMap<string, AccessPlanState>>;
  readonly accessPlanUses: readonly AccessPlanUse[];
}
