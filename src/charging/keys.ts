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
  readonly reach: string;
  identity(networkScope: string, identity: SubscriberIdentity): string;
  route(sessionId: string): string;
  control(partition: number): string;
  account(partition: number, accountId: string): string;
  session(partition: number, sessionId: string): string;
  timers(partition: number): string;
  outbox(partition: number): string;
  /** Also the channel on which a new task is told. */
  steer(partition: number): string;
  tasks(partition: number): string;
  /** Every partition's {@link steer}, as a pattern to subscribe to. */
  readonly steerPattern: string;
}

/** The keys under a prefix ("tolld"). */
export function createKeys(prefix: string): Keys {
  return {
    meta: `${prefix}:meta`,
    config: `${prefix}:config`,
    nodes: `${prefix}:nodes`,
    reach: `${prefix}:reach`,
    identity: (networkScope, { kind, value }) => `${prefix}:id:${networkScope}:${kind}:${value}`,
    route: (sessionId) => `${prefix}:route:${sessionId}`,
    control: (partition) => `${prefix}:{p${partition}}:control`,
    account: (partition, accountId) => `${prefix}:{p${partition}}:account:${accountId}`,
    session: (partition, sessionId) => `${prefix}:{p${partition}}:session:${sessionId}`,
    timers: (partition) => `${prefix}:{p${partition}}:timers`,
    outbox: (partition) => `${prefix}:{p${partition}}:outbox`,
    steer: (partition) => `${prefix}:{p${partition}}:steer`,
    tasks: (partition) => `${prefix}:{p${partition}}:tasks`,
    steerPattern: `${prefix}:{p*}:steer`,
  };
}

/** The partition a new account goes to. Later its profile says where it is: accounts may move. */
export function partitionOf(accountId: string, partitions: number): number {
  return createHash('sha1').update(accountId).digest().readUInt32BE(0) % partitions;
}
