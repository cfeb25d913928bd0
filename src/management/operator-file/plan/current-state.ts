/** What is in Postgres of the things that an operator file speaks of, as a plan compares it. */
import type { AccessPlan, AddressPool } from '../../../domain/access-plan.js';
import type { AccessProfile } from '../../../domain/access-profile.js';
import type { AccountStanding, BucketState } from '../../../domain/events.js';
import type { NasDeclaration } from '../../../domain/nas.js';
import type { SharingMembership } from '../../../domain/profile.js';
import type { ResourceDeclaration } from '../../../rating/catalog.js';
import type { ChargingPolicy } from '../../../rating/charging-policy.js';
import type { Plan } from '../../../rating/plan.js';
import type { Tariff } from '../../../rating/tariff.js';
import type { DeclaredThreshold } from './account-write.js';
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

export interface PlanState {
  readonly revision: number;
  readonly retired: boolean;
  readonly definition: Plan;
}

export interface SharingGroupState {
  readonly owner: string;
  readonly definition: SharingTerms;
  readonly status: 'active' | 'suspended' | 'cancelled';
}

/** What of the owner's members may draw on, and when. */
export type SharingTerms = Pick<SharingMembership, 'order' | 'scope' | 'resources'>;

export interface AccountState {
  readonly tenant: string;
  readonly partition: number;
  /** Where it is on its way to; null where it is at rest. */
  readonly targetPartition: number | null;
  readonly tariff: string | null;
  readonly standing: AccountStanding;
  readonly profileVersion: number;
  /** The sharing group it is a member of. */
  readonly sharingGroup: string | null;
  readonly lastIntent: number;
  /** Buckets that a file granted, as it declared them last. */
  readonly declared: Readonly<Record<string, DeclaredBucket>>;
  /** Thresholds that files declared last, by who asks for them. */
  readonly thresholds: Readonly<Record<string, readonly DeclaredThreshold[]>>;
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
  readonly plan: string | null;
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
  readonly kind: 'account' | 'subscriber' | 'plan';
  readonly id: string;
  readonly tenant: string;
  readonly tariff: string;
}

/** A subscriber of a plan that the file retires. */
export interface PlanUse {
  readonly subscriber: string;
  readonly tenant: string;
  readonly plan: string;
}

export interface CurrentState {
  /** Parts the key space is cut into; null before the installation was opened. */
  readonly partitions: number | null;
  readonly tenants: ReadonlyMap<string, TenantState>;
  /** By tenant, then by code. */
  readonly resources: ReadonlyMap<string, ReadonlyMap<string, ResourceState>>;
  /** The newest revision, by tenant, then by code. */
  readonly tariffs: ReadonlyMap<string, ReadonlyMap<string, TariffState>>;
  /** The newest revision, by tenant, then by code. */
  readonly plans: ReadonlyMap<string, ReadonlyMap<string, PlanState>>;
  /** By tenant, then by id. */
  readonly sharingGroups: ReadonlyMap<string, ReadonlyMap<string, SharingGroupState>>;
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
  readonly planUses: readonly PlanUse[];
}
