/**
 * The way back from management to the engine: accounts and their credits, profiles, configuration.
 * All of it is harmless when repeated, so that a sweeper can finish what a crash cut off.
 */
import type { AddressPool } from '../domain/access-plan.js';
import type { EventStamp, AccountStanding, LedgerKind } from '../domain/events.js';
import type { Amount } from '../domain/amounts.js';
import type { SubscriberIdentity } from '../domain/identity.js';
import type { SubscriberProfile } from '../domain/profile.js';
import { carryLeases } from './address-pools.js';
import { bytesOf, callScript, EngineReplyError, statusOf, type Engine } from './engine.js';
import {
  bucketStateCode,
  encodeBucket,
  ledgerKindCode,
  standingCode,
  type NewBucket,
} from './event-codec.js';
import { PartitionFencedError } from './fenced.js';
import * as layout from './generated/layout.js';
import { pack, unpack, type Packable } from './packing.js';
import { findProfile } from './routing.js';
import { asArray, asText } from './unpacked.js';
import { packStamp } from './stamp-codec.js';

export { moveAccount } from './moving.js';
export { AccountMissingError } from './move-steps.js';
export { reAuthoriseSession } from './steering.js';
export { PartitionFencedError } from './fenced.js';

/** The account has moved: what is to be done to it must be done there. */
export class AccountMovedError extends Error {
  readonly code = 'TOLLD_ACCOUNT_MOVED';

  constructor(accountId: string, partition: number) {
    super(
      `account ${accountId} has left partition ${partition}, and the record does not know; ` +
        'run `tolld verify`',
    );
    this.name = 'AccountMovedError';
  }
}

export interface AccountProvision {
  readonly partition: number;
  readonly accountId: string;
  readonly standing: AccountStanding;
  readonly profileVersion: number;
  readonly stamp: EventStamp;
  readonly now?: number;
}

/**
 * Brings an account into being or changes its standing and profile version.
 * @returns whether anything changed; an older profile version changes nothing.
 * @throws PartitionFencedError, EngineUnavailableError, EngineOutOfMemoryError
 */
export async function provisionAccount(
  engine: Engine,
  account: AccountProvision,
): Promise<boolean> {
  const { keys } = engine;
  const { partition, accountId } = account;
  const reply = await callScript(
    engine,
    'provision',
    [
      keys.account(partition, accountId),
      keys.control(partition),
      keys.outbox(partition),
      keys.steer(partition),
      keys.tasks(partition),
    ],
    [
      pack([
        account.now ?? 0,
        accountId,
        packStamp(account.stamp),
        standingCode(account.standing),
        account.profileVersion,
      ]),
    ],
  );
  switch (statusOf(reply)) {
    case layout.REPLY_DONE:
      return true;
    case layout.REPLY_REPEATED:
      return false;
    case layout.REPLY_MOVED:
      throw new AccountMovedError(accountId, partition);
    case layout.REPLY_FENCED:
      throw new PartitionFencedError(partition);
    default:
      throw new EngineReplyError(`provision replied status ${String(reply[0])}`);
  }
}

export type CreditOperation =
  | { readonly operation: 'grant'; readonly bucket: NewBucket }
  | {
      readonly operation: 'add';
      readonly bucketId: string;
      readonly amount: Amount;
      /** What was granted moves by this; left out: by the amount where that is above 0. */
      readonly granted?: Amount;
    }
  /** Takes what no session holds, and not below the floor; else the intent is refused. */
  | { readonly operation: 'take'; readonly bucketId: string; readonly amount: Amount }
  | { readonly operation: 'set-floor'; readonly bucketId: string; readonly floor: Amount | null }
  | { readonly operation: 'set-end'; readonly bucketId: string; readonly endsAt: number | null }
  | {
      readonly operation: 'set-state';
      readonly bucketId: string;
      readonly state: 'active' | 'armed' | 'inactive';
    }
  /** Books a difference in the record; the bucket stays as it is, or is gone. */
  | {
      readonly operation: 'correct';
      readonly bucketId: string;
      readonly resource: string;
      readonly amount: Amount;
    }
  | { readonly operation: 'set-thresholds'; readonly thresholds: readonly AccountThreshold[] };

/** Says when what is left of a resource, or of a bundle, has fallen to a level. */
export interface AccountThreshold {
  readonly id: string;
  readonly resource: string;
  readonly bundleId: string | null;
  /** An amount left, or a percentage of what was granted. */
  readonly level: { readonly amount: Amount } | { readonly percent: number };
  /** While it is crossed, answers say that the balance is low. */
  readonly lowBalance?: boolean;
}

export interface CreditRequest {
  readonly partition: number;
  readonly accountId: string;
  /** Number of the intent in the account's order, from 1. */
  readonly intentNumber: number;
  readonly intentId: string;
  readonly kind: LedgerKind;
  readonly reason: string | null;
  readonly operations: readonly CreditOperation[];
  readonly stamp: EventStamp;
  readonly now?: number;
}

const CREDIT_REFUSALS = [
  'bucket-exists',
  'unknown-bucket',
  'amount-out-of-range',
  'bucket-inactive',
  'below-floor',
] as const;
export type CreditRefusal = (typeof CREDIT_REFUSALS)[number];

export type CreditOutcome =
  /** `sessions` had got their last units and are told to ask again. */
  | { readonly kind: 'applied'; readonly sessions: readonly string[] }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'refused'; readonly reason: CreditRefusal }
  /** Intents before this one have not been applied yet: apply those after `lastApplied` first. */
  | { readonly kind: 'out-of-order'; readonly lastApplied: number }
  | { readonly kind: 'unknown-account' };

/**
 * Applies one intent to an account's balances (docs/architecture.md, "Management changes").
 * @throws PartitionFencedError, EngineUnavailableError, EngineOutOfMemoryError
 */
export async function creditAccount(engine: Engine, credit: CreditRequest): Promise<CreditOutcome> {
  const { keys } = engine;
  const { partition, accountId } = credit;
  const reply = await callScript(
    engine,
    'credit',
    [
      keys.account(partition, accountId),
      keys.control(partition),
      keys.outbox(partition),
      keys.timers(partition),
      keys.steer(partition),
      keys.tasks(partition),
      keys.access(partition, accountId),
    ],
    [
      pack([
        credit.now ?? 0,
        accountId,
        packStamp(credit.stamp),
        credit.intentNumber,
        credit.intentId,
        ledgerKindCode(credit.kind),
        credit.reason ?? false,
        credit.operations.map(packOperation),
      ]),
    ],
  );
  switch (statusOf(reply)) {
    case layout.REPLY_DONE:
      return { kind: 'applied', sessions: asArray(unpack(bytesOf(reply, 1))).map(asText) };
    case layout.REPLY_REPEATED:
      return { kind: 'repeated' };
    case layout.REPLY_REFUSED: {
      const text = bytesOf(reply, 1).toString('utf8');
      const reason = CREDIT_REFUSALS.find((known) => known === text);
      if (reason === undefined) throw new EngineReplyError(`credit refused with "${text}"`);
      return { kind: 'refused', reason };
    }
    case layout.REPLY_OUT_OF_ORDER:
      return { kind: 'out-of-order', lastApplied: Number(reply[1]) };
    case layout.REPLY_UNKNOWN_ACCOUNT:
      return { kind: 'unknown-account' };
    case layout.REPLY_MOVED:
      throw new AccountMovedError(accountId, partition);
    case layout.REPLY_FENCED:
      throw new PartitionFencedError(partition);
    default:
      throw new EngineReplyError(`credit replied status ${String(reply[0])}`);
  }
}

function packOperation(operation: CreditOperation): Packable {
  switch (operation.operation) {
    case 'grant':
      return [layout.OPERATION_GRANT, encodeBucket(operation.bucket)];
    case 'add':
      return [
        layout.OPERATION_ADD,
        operation.bucketId,
        operation.amount,
        ...(operation.granted === undefined ? [] : [operation.granted]),
      ];
    case 'take':
      return [layout.OPERATION_TAKE, operation.bucketId, operation.amount];
    case 'set-floor':
      return [layout.OPERATION_SET_FLOOR, operation.bucketId, operation.floor ?? layout.NO_FLOOR];
    case 'set-end':
      return [layout.OPERATION_SET_END, operation.bucketId, operation.endsAt ?? 0];
    case 'set-state':
      return [layout.OPERATION_SET_STATE, operation.bucketId, bucketStateCode(operation.state)];
    case 'correct':
      return [layout.OPERATION_CORRECT, operation.bucketId, operation.resource, operation.amount];
    case 'set-thresholds':
      return [
        layout.OPERATION_SET_THRESHOLDS,
        operation.thresholds.map((each) => packThreshold(each)),
      ];
  }
}

/** Packs a threshold; one that has fired waits to be lifted above its level. */
export function packThreshold(
  { id, resource, bundleId, level, lowBalance = false }: AccountThreshold,
  armed = true,
): Packable {
  const percent = 'percent' in level;
  const value = percent ? level.percent : level.amount;
  return [id, resource, bundleId ?? false, percent, value, armed, lowBalance];
}

/** Publishes a subscriber's profile under one of its identities. */
export async function publishProfile(
  engine: Engine,
  networkScope: string,
  identity: SubscriberIdentity,
  profile: SubscriberProfile,
): Promise<void> {
  await engine.redis.set(engine.keys.identity(networkScope, identity), JSON.stringify(profile));
}

/** Removes an identity: requests that name it are answered `unknown-subscriber` from then on. */
export async function removeProfile(
  engine: Engine,
  networkScope: string,
  identity: SubscriberIdentity,
): Promise<void> {
  await engine.redis.del(engine.keys.identity(networkScope, identity));
}

/** The profile that stands under an identity, to be compared with the record; null for none. */
export function readPublishedProfile(
  engine: Engine,
  networkScope: string,
  identity: SubscriberIdentity,
): Promise<SubscriberProfile | null> {
  return findProfile(engine, networkScope, identity);
}

/**
 * Publishes the configuration that every process compiles for itself, and tells them. Addresses that
 * change pools by it stay with the sessions that have them, those leased in the midst of it too. A process that is told nothing (a lost connection) finds the newer version when it next looks.
 */
export async function publishConfiguration(
  engine: Engine,
  version: number,
  document: string,
): Promise<void> {
  const { redis, keys } = engine;
  const held = await readConfiguration(engine);
  const pools = { before: poolsOf(held?.document ?? '{}'), after: poolsOf(document) };
  const publishedAt = Date.now();
  await carryLeases(engine, pools, Infinity);
  await redis.set(keys.config, JSON.stringify({ version, document }));
  await redis.publish(keys.config, String(version));
  await carryLeases(engine, pools, publishedAt);
}

/** The pools of a configuration; none where it is of a version that has them in another form. */
function poolsOf(document: string): readonly AddressPool[] {
  try {
    const { addressPools = [] } = JSON.parse(document) as {
      readonly addressPools?: readonly AddressPool[];
    };
    return addressPools;
  } catch {
    return [];
  }
}

/** The published configuration, or null before the first. */
export async function readConfiguration(
  engine: Engine,
): Promise<{ readonly version: number; readonly document: string } | null> {
  const text = await engine.redis.get(engine.keys.config);
  return text === null ? null : (JSON.parse(text) as { version: number; document: string });
}
