/** Who we are to other nodes: each process has an identity of its own. */
import { Avp } from './generated/avps.js';
import { encodeAvps } from './message-writer.js';

export interface NodeIdentity {
  /** Origin-Host, a DiameterIdentity of this process alone. */
  readonly host: string;
  readonly realm: string;
  /**
   * Origin-State-Id [RFC 6733 8.16]: grows with every start; seconds since 1970 do. 0 leaves it
   * out.
   */
  readonly originStateId: number;
}

/** An identity with the AVPs that every message of ours carries, encoded once. */
export interface EncodedIdentity extends NodeIdentity {
  /** Origin-Host, Origin-Realm. */
  readonly origin: Buffer;
  /** Origin-Host, Origin-Realm, Origin-State-Id. */
  readonly originWithState: Buffer;
}

export function encodeIdentity(identity: NodeIdentity): EncodedIdentity {
  const origin = encodeAvps((writer) => {
    writer.text(Avp.OriginHost, identity.host);
    writer.text(Avp.OriginRealm, identity.realm);
  });
  const state = encodeAvps((writer) => {
    if (identity.originStateId !== 0) writer.unsigned32(Avp.OriginStateId, identity.originStateId);
  });
  return { ...identity, origin, originWithState: Buffer.concat([origin, state]) };
}
