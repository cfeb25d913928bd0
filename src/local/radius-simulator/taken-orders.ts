/** What a simulated NAS does with a CoA- or Disconnect-Request, whichever way it came [RFC 5176]. */
import { attributeValue, type RawAttribute } from '../../radius/attribute.js';
import {
  AcctSessionId,
  ErrorCause,
  FramedIpAddress,
  FramedPool,
  NasIdentifier,
  UserName,
} from '../../radius/generated/standard.js';
import { PACKET_CODES } from '../../radius/packet-code.js';
import type { RadiusPacket } from '../../radius/packet.js';
import type { SimulatedSession } from './session.js';

export interface TakenOrdersOptions {
  readonly nasIdentifier: string;
}

export interface TakenOrdersDependencies {
  /** Live session by its Acct-Session-Id. */
  readonly find: (acctSessionId: string) => SimulatedSession | undefined;
  readonly onRequest: (request: {
    readonly kind: 'change' | 'disconnect';
    readonly acctSessionId: string;
    readonly refused: string | null;
  }) => void;
}

/** What goes back: ACK or NAK, and why. */
export interface OrderAnswer {
  readonly code: number;
  readonly attributes: readonly RawAttribute[];
}

type Cause = keyof (typeof ErrorCause)['values'];

export function isOrder(code: number): boolean {
  return code === PACKET_CODES['CoA-Request'] || code === PACKET_CODES['Disconnect-Request'];
}

/** Takes one order; it must have been proven to be the server's. */
export function createTakenOrders(
  { nasIdentifier }: TakenOrdersOptions,
  { find, onRequest }: TakenOrdersDependencies,
): (packet: RadiusPacket) => OrderAnswer {
  return (packet) => {
    const isDisconnect = packet.code === PACKET_CODES['Disconnect-Request'];
    const acctSessionId = packet.get(AcctSessionId)?.toString('latin1') ?? '';
    const session = find(acctSessionId);
    const refused = refusal(packet, session, nasIdentifier);
    if (refused === null && session !== undefined) {
      if (isDisconnect) session.disconnect();
      else session.change(packet);
    }
    onRequest({ kind: isDisconnect ? 'disconnect' : 'change', acctSessionId, refused });
    return {
      code: packet.code + (refused === null ? 1 : 2),
      attributes: refused === null ? [] : [attributeValue(ErrorCause, ErrorCause.values[refused])],
    };
  };
}

/** Why a request is refused; null when it is not. Addresses never change in a live session. */
function refusal(
  packet: RadiusPacket,
  session: SimulatedSession | undefined,
  nasIdentifier: string,
): Cause | null {
  const named = packet.get(NasIdentifier);
  if (named !== undefined && named !== nasIdentifier) return 'NAS-Identification-Mismatch';
  const userName = packet.get(UserName);
  const isOther = userName !== undefined && userName !== session?.place.subscriber.userName;
  if (session === undefined || isOther) return 'Session-Context-Not-Found';
  const moves = packet.has(FramedPool) || differs(packet.get(FramedIpAddress), session.address);
  return packet.code === PACKET_CODES['CoA-Request'] && moves ? 'Unsupported-Attribute' : null;
}

function differs(named: string | undefined, actual: string): boolean {
  return named !== undefined && named !== actual;
}
