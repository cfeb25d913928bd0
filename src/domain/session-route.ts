import type { Protocol } from './credit-control.js';
import type { SubscriberIdentity } from './identity.js';

/** How to find a session again, without its subscriber, and how to reach its gateway. */
export interface SessionRoute {
  readonly partition: number;
  readonly accountId: string;
  readonly networkScope: string;
  readonly identity: SubscriberIdentity;
  readonly protocol: Protocol;
  /** The peer or NAS the session came by, and its own name. */
  readonly peer: string;
  readonly origin: { readonly host: string; readonly realm: string };
  readonly serviceContext: string;
}
