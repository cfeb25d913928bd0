/** A NAS for tests: sends requests from one socket and takes the replies to them. */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { RawAttribute } from '../../src/radius/attribute.js';
import {
  encodeRequest,
  verifyMessageAuthenticator,
  verifyResponseAuthenticator,
} from '../../src/radius/authenticator.js';
import { PACKET_CODES } from '../../src/radius/packet-code.js';
import { decodePacket, type RadiusPacket } from '../../src/radius/packet.js';
import type { SharedSecret } from '../../src/radius/shared-secret.js';

export interface BuiltRequest {
  readonly octets: Buffer;
  readonly authenticator: Buffer;
  readonly secret: SharedSecret;
}

export interface RequestParts {
  readonly code: keyof typeof PACKET_CODES;
  readonly identifier?: number;
  readonly attributes?: readonly RawAttribute[];
  readonly secret: SharedSecret;
  readonly messageAuthenticator?: boolean;
  readonly authenticator?: Buffer;
}

/** Builds a request; random authenticators where the code has them. */
export function buildRequest(parts: RequestParts): BuiltRequest {
  const isRandom = parts.code === 'Access-Request' || parts.code === 'Status-Server';
  const octets = encodeRequest({
    code: PACKET_CODES[parts.code],
    identifier: parts.identifier ?? 1,
    attributes: parts.attributes ?? [],
    secret: parts.secret,
    messageAuthenticator: parts.messageAuthenticator ?? isRandom,
    randomAuthenticator: isRandom ? (parts.authenticator ?? randomBytes(16)) : null,
  });
  return { octets, authenticator: octets.subarray(4, 20), secret: parts.secret };
}

/** Decodes a reply and holds it to its request. @throws Error when it does not answer it. */
export function readReply(octets: Buffer, request: BuiltRequest): RadiusPacket {
  const result = decodePacket(octets);
  if (!result.ok) throw new Error(`reply: ${result.malformation}`);
  const { packet } = result;
  const { authenticator, secret } = request;
  if (!verifyResponseAuthenticator(packet, authenticator, secret)) {
    throw new Error('reply: wrong Response Authenticator');
  }
  const verdict = verifyMessageAuthenticator(packet, secret, authenticator);
  if (verdict === 'invalid') throw new Error('reply: wrong Message-Authenticator');
  return packet;
}

export class RadiusTestClient {
  readonly #socket: Socket;
  readonly #port: number;
  readonly #address: string;
  readonly #received: Buffer[] = [];
  #waiting: ((octets: Buffer) => void)[] = [];

  private constructor(socket: Socket, address: string, port: number) {
    this.#socket = socket;
    this.#address = address;
    this.#port = port;
    socket.on('message', (octets) => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#received.push(octets);
      else next(octets);
    });
  }

  /** @param from local address; the server's when absent. */
  static async open(
    server: { readonly address: string; readonly port: number },
    from: string = server.address,
  ): Promise<RadiusTestClient> {
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
    await new Promise<void>((resolve) => socket.bind(0, from, resolve));
    return new RadiusTestClient(socket, server.address, server.port);
  }

  async send(octets: Buffer): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.#socket.send(octets, this.#port, this.#address, (error) =>
        error === null ? resolve() : reject(error),
      ),
    );
  }

  /** The next reply, as octets. */
  async receive(): Promise<Buffer> {
    const first = this.#received.shift();
    return first ?? (await new Promise<Buffer>((resolve) => this.#waiting.push(resolve)));
  }

  /** Sends a request and takes the reply to it. */
  async ask(request: BuiltRequest): Promise<RadiusPacket> {
    await this.send(request.octets);
    return readReply(await this.receive(), request);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }
}
