/**
 * Every key in Redis is named here and nowhere else; schema/redis.md says what each holds. The hash
 * tag `{pN}` keeps a partition in one cluster slot, so that one script may touch all its keys.
 */
import { createHash } from 'node:crypto';
import type { SubscriberIdentity } from '../domain/identity.js';

export interface Keys {
  readonly meta: string;
  readonly config: string;
  readonly nodes: string;
  readonly originStates: string;
  readonly reach: string;
  identity(networkScope: string, identity: SubscriberIdentity): string;
  route(sessionId: string): string;
  control(partition: number): string;
  account(partition: number, accountId: string): string;
  /** What recovery found in an account's place and could not read, the first time or the n-th. */
  aside(partition: number, accountId: string, time: number): string;
  session(partition: number, sessionId: string): string;
  timers(partition: number): string;
  outbox(partition: number): string;
  /** Written to learn whether a replica has what stands before it; beside `key`, on its server. */
  waited(key: string): string;
  /** Also the channel on which a new task is told. */
  steer(partition: number): string;
  tasks(partition: number): string;
  /** Every partition's {@link steer}, as a pattern to subscribe to. */
  readonly steerPattern: string;
  /** What the network access of an account needs beside it. */
  access(partition: number, accountId: string): string;
  /** The answer to a login, for its resends. */
  answer(partition: number, requestKey: string): string;
  /** Live sessions of a NAS, by the time until which they count. */
  nasSessions(partition: number, nas: string): string;
  /** Leases of an address pool and who holds them. */
  leases(pool: string): string;
  holders(pool: string): string;
  /** Failed logins of one user or station. */
  failures(who: string): string;
  readonly rejects: string;
  readonly boots: string;
  readonly authenticators: string;
}

/** The keys under a prefix ("tolld"). */
export function createKeys(prefix: string): Keys {
  const beginnings: string[] = [];
  const inPartition = (partition: number): string =>
    (beginnings[partition] ??= `${prefix}:{p${partition}}:`);
  return {
    meta: `${prefix}:meta`,
    config: `${prefix}:config`,
    nodes: `${prefix}:nodes`,
    originStates: `${prefix}:origin-states`,
    reach: `${prefix}:reach`,
    identity: (networkScope, { kind, value }) => `${prefix}:id:${networkScope}:${kind}:${value}`,
    route: (sessionId) => `${prefix}:route:${sessionId}`,
    control: (partition) => `${inPartition(partition)}control`,
    account: (partition, accountId) => `${inPartition(partition)}account:${accountId}`,
    aside: (partition, accountId, time) => `${inPartition(partition)}aside:${time}:${accountId}`,
    session: (partition, sessionId) => `${inPartition(partition)}session:${sessionId}`,
    timers: (partition) => `${inPartition(partition)}timers`,
    outbox: (partition) => `${inPartition(partition)}outbox`,
    waited: (key) => `${prefix}:${/\{.*?\}/.exec(key)?.[0] ?? ''}:waited`,
    steer: (partition) => `${inPartition(partition)}steer`,
    tasks: (partition) => `${inPartition(partition)}tasks`,
    steerPattern: `${prefix}:{p*}:steer`,
    access: (partition, accountId) => `${inPartition(partition)}access:${accountId}`,
    answer: (partition, requestKey) => `${inPartition(partition)}answer:${requestKey}`,
    nasSessions: (partition, nas) => `${inPartition(partition)}nas:${nas}`,
    leases: (pool) => `${prefix}:{pool-${pool}}:leases`,
    holders: (pool) => `${prefix}:{pool-${pool}}:holders`,
    failures: (who) => `${prefix}:{failures}:${who}`,
    rejects: `${prefix}:rejects`,
    boots: `${prefix}:boots`,
    authenticators: `${prefix}:authenticators`,
  };
}

/** The partition that a key lies in, by its hash tag. */
export function partitionOfKey(key: string): number {
  const tag = key.indexOf(TAG);
  if (tag < 0) return 0;
  let partition = 0;
  // Digit by digit, once for each call: a regular expression costs several times as much.
  for (let at = tag + TAG.length; at < key.length; at += 1) {
    const digit = key.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) break;
    partition = partition * 10 + digit;
  }
  return partition;
}

const TAG = '{p';
const ZERO = 48;

/** The partition a new account goes to. Later its profile says where it is: accounts may move. */
export function partitionOf(accountId: string, partitions: number): number {
  return createHash('sha1').update(accountId).digest().readUInt32BE(0) % partitions;
}
