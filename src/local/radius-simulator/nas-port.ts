/** The sockets of a NAS: requests out, replies in, resends between, one identifier each. */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { RawAttribute } from '../../radius/attribute.js';
import {
  encodeRequest,
  verifyMessageAuthenticator,
  verifyResponseAuthenticator,
} from '../../radius/authenticator.js';
import { PACKET_CODES } from '../../radius/packet-code.js';
import { decodePacket, type RadiusPacket } from '../../radius/packet.js';
import type { SharedSecret } from '../../radius/shared-secret.js';
import type { Network } from './network.js';
import type { SimulatedServer } from './traffic.js';

export interface NasPortOptions {
  readonly secret: SharedSecret;
  readonly answerMs: number;
  /** Where requests of each kind go, by turns. */
  readonly servers: readonly SimulatedServer[];
}

export interface NasRequest {
  readonly code: 'Access-Request' | 'Accounting-Request' | 'Status-Server';
  /** Attributes for one sending: passwords hang on the authenticator, delays on the try. */
  readonly attributes: (sending: {
    readonly authenticator: Buffer;
    /** Null where nothing is hidden. */
    readonly secret: SharedSecret | null;
    readonly delaySeconds: number;
  }) => readonly RawAttribute[];
  readonly messageAuthenticator: boolean;
  readonly triesMax: number;
}

export interface NasReply {
  readonly packet: RadiusPacket;
  readonly tries: number;
}

/** What carries the requests of a NAS. */
export interface NasTransport {
  /** Replies that were not genuine. */
  readonly badReplies: number;
  /** Requests that were sent again. */
  readonly resent: number;
  /** Sends a request until it is answered; null when it never was. */
  ask(request: NasRequest): Promise<NasReply | null>;
  close(): Promise<void>;
}

/** A sending that waits for its reply. */
interface Sending {
  readonly authenticator: Buffer;
  readonly settle: (reply: RadiusPacket) => void;
}

/** A signed request with its place to be sent from. */
interface PreparedSending {
  readonly octets: Buffer;
  readonly socket: Socket;
  readonly reply: Promise<RadiusPacket>;
  readonly release: () => void;
}

const IDENTIFIERS = 256;

export class NasPort implements NasTransport {
  readonly #options: NasPortOptions;
  readonly #network: Network;
  /** Per socket, what waits under each identifier. */
  readonly #sockets: { readonly socket: Socket; readonly waiting: Map<number, Sending> }[] = [];
  #nextIdentifier = 0;
  #nextServer = 0;
  badReplies = 0;
  resent = 0;

  constructor(options: NasPortOptions, network: Network) {
    this.#options = options;
    this.#network = network;
  }

  /**
   * An Access-Request is sent again octet for octet; an Accounting-Request as a new one, since its
   * delay has changed [RFC 2866 5.2].
   */
  async ask(request: NasRequest): Promise<NasReply | null> {
    const firstAt = performance.now();
    let tries = 0;
    let sending: PreparedSending | null = null;
    const isAccess = request.code === 'Access-Request';
    try {
      while (tries < request.triesMax) {
        if (sending === null || !isAccess) {
          sending?.release();
          const delaySeconds = Math.floor((performance.now() - firstAt) / 1000);
          sending = this.#prepare(request, delaySeconds);
        }
        tries += 1;
        if (tries > 1) this.resent += 1;
        this.#send(sending, request.code);
        const packet = await within(sending.reply, this.#options.answerMs);
        if (packet === null) continue;
        return { packet, tries };
      }
      return null;
    } finally {
      sending?.release();
    }
  }

  async close(): Promise<void> {
    this.#network.close();
    await Promise.all(
      this.#sockets.map(({ socket }) => new Promise<void>((done) => socket.close(() => done()))),
    );
  }

  #prepare(request: NasRequest, delaySeconds: number): PreparedSending {
    const { port, identifier } = this.#place();
    const isRandom = request.code !== 'Accounting-Request';
    const random = randomBytes(16);
    const { secret } = this.#options;
    const octets = encodeRequest({
      code: PACKET_CODES[request.code],
      identifier,
      attributes: request.attributes({ authenticator: random, secret, delaySeconds }),
      secret,
      messageAuthenticator: request.messageAuthenticator,
      randomAuthenticator: isRandom ? random : null,
    });
    const reply = new Promise<RadiusPacket>((settle) => {
      port.waiting.set(identifier, { authenticator: octets.subarray(4, 20), settle });
    });
    const release = (): void => void port.waiting.delete(identifier);
    return { octets, socket: port.socket, reply, release };
  }

  /** The next identifier that nothing waits under, on a new socket if need be. */
  #place() {
    for (const port of this.#sockets) {
      if (port.waiting.size >= IDENTIFIERS) continue;
      while (port.waiting.has(this.#nextIdentifier)) this.#advance();
      const identifier = this.#nextIdentifier;
      this.#advance();
      return { port, identifier };
    }
    const port = this.#open();
    return { port, identifier: 0 };
  }

  #advance(): void {
    this.#nextIdentifier = (this.#nextIdentifier + 1) % IDENTIFIERS;
  }

  #open() {
    const v6 = isIPv6(this.#options.servers[0]?.address ?? '');
    const socket = createSocket({
      type: v6 ? 'udp6' : 'udp4',
      lookup: (address, _options, callback) => callback(null, address, v6 ? 6 : 4),
    });
    const port = { socket, waiting: new Map<number, Sending>() };
    socket.on('message', (octets) =>
      this.#network.carry(() => this.#receive(octets, port.waiting)),
    );
    this.#sockets.push(port);
    return port;
  }

  #send({ octets, socket }: PreparedSending, code: NasRequest['code']): void {
    const { servers } = this.#options;
    const server = servers[this.#nextServer % servers.length];
    this.#nextServer += 1;
    if (server === undefined) return;
    const port = code === 'Accounting-Request' ? server.accountingPort : server.authenticationPort;
    this.#network.carry(() => {
      try {
        socket.send(octets, port, server.address);
      } catch {
        // Held back until the socket was closed: lost like any other.
      }
    });
  }

  #receive(octets: Buffer, waiting: ReadonlyMap<number, Sending>): void {
    const sending = waiting.get(octets[1] ?? 0);
    if (sending === undefined) return;
    const { secret } = this.#options;
    const result = decodePacket(octets);
    const isGenuine =
      result.ok &&
      verifyResponseAuthenticator(result.packet, sending.authenticator, secret) &&
      verifyMessageAuthenticator(result.packet, secret, sending.authenticator) !== 'invalid';
    if (isGenuine) sending.settle(result.packet);
    else this.badReplies += 1;
  }
}

async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
