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
  identity(networkScope: string, identity: SubscriberIdentity): string;
  route(sessionId: string): string;
  control(partition: number): string;
  account(partition: number, accountId: string): string;
  session(partition: number, sessionId: string): string;
  timers(partition: number): string;
  outbox(partition: number): string;
}

/** The keys under a prefix ("tolld"). */
export function createKeys(prefix: string): Keys {
  return {
    meta: `${prefix}:meta`,
    config: `${prefix}:config`,
    nodes: `${prefix}:nodes`,
    identity: (networkScope, { kind, value }) => `${prefix}:id:${networkScope}:${kind}:${value}`,
    route: (sessionId) => `${prefix}:route:${sessionId}`,
    control: (partition) => `${prefix}:{p${partition}}:control`,
    account: (partition, accountId) => `${prefix}:{p${partition}}:account:${accountId}`,
    session: (partition, sessionId) => `${prefix}:{p${partition}}:session:${sessionId}`,
    timers: (partition) => `${prefix}:{p${partition}}:timers`,
    outbox: (partition) => `${prefix}:{p${partition}}:outbox`,
  };
}

/** The partition a new account goes to. Later its profile says where it is: accounts may move. */
export function partitionOf(accountId: string, partitions: number): number {
  return createHash('sha1').update(accountId).digest().readUInt32BE(0) % partitions;
}
