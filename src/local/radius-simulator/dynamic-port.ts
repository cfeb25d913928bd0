/** The UDP port at which a simulated NAS takes CoA- and Disconnect-Requests [RFC 5176]. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import {
  encodeReply,
  messageAuthenticatorField,
  verifyMessageAuthenticator,
  verifyRequestAuthenticator,
} from '../../radius/authenticator.js';
import { MessageAuthenticator } from '../../radius/generated/standard.js';
import { decodePacket, type RadiusPacket } from '../../radius/packet.js';
import type { SharedSecret } from '../../radius/shared-secret.js';
import { isOrder, type OrderAnswer } from './taken-orders.js';

export interface DynamicPortOptions {
  readonly address: string;
  readonly port: number;
  readonly secret: SharedSecret;
}

export interface DynamicPortDependencies {
  /** Does what a request asks for, or says why not. */
  readonly take: (packet: RadiusPacket) => OrderAnswer;
}

export interface DynamicPort {
  listen(): Promise<{ readonly address: string; readonly port: number }>;
  close(): Promise<void>;
}

/** Replies kept for resends: as many as one port of the other side has identifiers. */
const REPLIES_MAX = 256;

export function createDynamicPort(
  options: DynamicPortOptions,
  { take }: DynamicPortDependencies,
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
    return encodeReply({
      ...take(packet),
      request: packet,
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
  const field = messageAuthenticatorField(packet);
  return (
    isOrder(packet.code) &&
    verifyRequestAuthenticator(packet, secret) &&
    verifyMessageAuthenticator(packet, secret, field) !== 'invalid'
  );
}
