/** Where a simulated NAS takes CoA- and Disconnect-Requests [RFC 5176]. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { attributeValue } from '../../radius/attribute.js';
import {
  encodeReply,
  messageAuthenticatorField,
  verifyMessageAuthenticator,
  verifyRequestAuthenticator,
} from '../../radius/authenticator.js';
import {
  AcctSessionId,
  ErrorCause,
  FramedIpAddress,
  FramedPool,
  MessageAuthenticator,
  NasIdentifier,
  UserName,
} from '../../radius/generated/standard.js';
import { PACKET_CODES } from '../../radius/packet-code.js';
import { decodePacket, type RadiusPacket } from '../../radius/packet.js';
import type { SharedSecret } from '../../radius/shared-secret.js';
import type { SimulatedSession } from './session.js';

export interface DynamicPortOptions {
  readonly address: string;
  readonly port: number;
  readonly secret: SharedSecret;
  readonly nasIdentifier: string;
}

export interface DynamicPortDependencies {
  /** Live session by its Acct-Session-Id. */
  readonly find: (acctSessionId: string) => SimulatedSession | undefined;
  readonly onRequest: (request: {
    readonly kind: 'change' | 'disconnect';
    readonly acctSessionId: string;
    readonly refused: string | null;
  }) => void;
}

export interface DynamicPort {
  listen(): Promise<{ readonly address: string; readonly port: number }>;
  close(): Promise<void>;
}

type Cause = keyof (typeof ErrorCause)['values'];

/** Replies kept for resends: as many as one port of the other side has identifiers. */
const REPLIES_MAX = 256;

export function createDynamicPort(
  options: DynamicPortOptions,
  { find, onRequest }: DynamicPortDependencies,
): DynamicPort {
  const socket = createSocket(isIPv6(options.address) ? 'udp6' : 'udp4');
  const replies = new Map<string, Buffer>();

  socket.on('message', (octets, remote) => {
    const result = decodePacket(octets);
    if (!result.ok || !isGenuine(result.packet, options.secret)) return;
    const { packet } = result;
    // A resend is known by its authenticator, which covers all of it.
    const key = packet.authenticator.toString('hex');
    const reply = replies.get(key) ?? answer(packet);
    if (replies.size >= REPLIES_MAX) replies.clear();
    replies.set(key, reply);
    socket.send(reply, remote.port, remote.address);
  });

  function answer(packet: RadiusPacket): Buffer {
    const isDisconnect = packet.code === PACKET_CODES['Disconnect-Request'];
    const acctSessionId = packet.get(AcctSessionId)?.toString('latin1') ?? '';
    const session = find(acctSessionId);
    const refused = refusal(packet, session, options.nasIdentifier);
    if (refused === null && session !== undefined) {
      if (isDisconnect) session.disconnect();
      else session.change(packet);
    }
    onRequest({ kind: isDisconnect ? 'disconnect' : 'change', acctSessionId, refused });
    return encodeReply({
      code: packet.code + (refused === null ? 1 : 2),
      request: packet,
      attributes: refused === null ? [] : [attributeValue(ErrorCause, ErrorCause.values[refused])],
      secret: options.secret,
      messageAuthenticator: packet.has(MessageAuthenticator),
    });
  }

  return {
    listen: async () => {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind({ address: options.address, port: options.port }, resolve);
      });
      return socket.address();
    },
    close: async () => {
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}

function isGenuine(packet: RadiusPacket, secret: SharedSecret): boolean {
  const isKnown =
    packet.code === PACKET_CODES['CoA-Request'] ||
    packet.code === PACKET_CODES['Disconnect-Request'];
  const field = messageAuthenticatorField(packet);
  return (
    isKnown &&
    verifyRequestAuthenticator(packet, secret) &&
    verifyMessageAuthenticator(packet, secret, field) !== 'invalid'
  );
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
