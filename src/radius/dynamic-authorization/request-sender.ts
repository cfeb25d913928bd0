/** Sends one signed request from one of many ports, again until it is answered, and checks replies. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Logger } from '../../observability/logger.js';
import {
  encodeRequest,
  verifyMessageAuthenticator,
  verifyResponseAuthenticator,
} from '../authenticator.js';
import { plainAddress } from '../ip-address.js';
import type { SteeringMetrics } from '../metrics.js';
import type { DynamicAuthorization } from '../nas-clients.js';
import { decodePacket, type RadiusPacket } from '../packet.js';
import type { SharedSecret } from '../shared-secret.js';
import { nextWaitMs, type RetransmissionOptions } from './retransmission.js';
import { SourcePorts, type Place, type SourcePortsOptions } from './source-ports.js';
import type { SteeringRequest } from './steering-request.js';

export interface RequestSenderDependencies {
  readonly logger: Logger;
  readonly metrics: SteeringMetrics;
  readonly clock: () => number;
  readonly random: () => number;
}

export interface Sending {
  readonly request: SteeringRequest;
  readonly to: DynamicAuthorization;
  readonly secret: SharedSecret;
  readonly retransmission: RetransmissionOptions;
}

export interface SendingResult {
  readonly result: RadiusPacket | 'unanswered' | 'closed';
  readonly tries: number;
}

/** One request under way. */
interface Exchange {
  readonly authenticator: Buffer;
  readonly secret: SharedSecret;
  readonly code: number;
  readonly settle: (result: SendingResult['result']) => void;
}

/** ACK and NAK of a request have the next two codes [RFC 5176 2.3]. */
const ACK_OFFSET = 1;
const NAK_OFFSET = 2;

export class RequestSender {
  readonly #dependencies: RequestSenderDependencies;
  readonly #places: SourcePorts;
  readonly #sockets = new Map<string, Socket>();
  readonly #exchanges = new Map<string, Exchange>();

  constructor(options: SourcePortsOptions, dependencies: RequestSenderDependencies) {
    this.#dependencies = dependencies;
    this.#places = new SourcePorts(options);
  }

  /** Resolves with what came back; null when no port has an identifier left for this NAS. */
  async send(sending: Sending): Promise<SendingResult | null> {
    const { request, to, secret } = sending;
    const place = this.#places.take(`${to.address} ${to.port}`, this.#dependencies.clock());
    if (place === null) return null;
    const octets = encodeRequest({
      code: request.code,
      identifier: place.identifier,
      attributes: request.attributes,
      secret,
      messageAuthenticator: to.messageAuthenticator,
      randomAuthenticator: null,
    });
    return this.#repeat(octets, place, sending);
  }

  /** Gives up what is under way and closes the ports. */
  async close(): Promise<void> {
    for (const exchange of [...this.#exchanges.values()]) exchange.settle('closed');
    const sockets = [...this.#sockets.values()];
    this.#sockets.clear();
    await Promise.all(
      sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))),
    );
  }

  /** The same octets each time: a NAS knows a resend by its identifier and authenticator. */
  #repeat(octets: Buffer, place: Place, sending: Sending): Promise<SendingResult> {
    const { request, to, secret, retransmission } = sending;
    const { logger, metrics, random } = this.#dependencies;
    const socket = this.#socket(place.port, to.address);
    const key = exchangeKey(place.port, to, place.identifier);
    const deadline = performance.now() + retransmission.durationMaxMs;
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      let waitMs: number | null = null;
      let tries = 0;
      const settle: Exchange['settle'] = (result) => {
        clearTimeout(timer);
        this.#exchanges.delete(key);
        resolve({ result, tries });
      };
      const attempt = (): void => {
        const leftMs = deadline - performance.now();
        if (tries >= retransmission.triesMax || leftMs <= 0) return settle('unanswered');
        if (tries > 0) metrics.resent.inc();
        tries += 1;
        socket.send(octets, to.port, to.address, (err) => {
          if (err !== null) logger.debug({ err, to: to.address }, 'radius steering not sent');
        });
        waitMs = nextWaitMs(waitMs, retransmission, random());
        timer = setTimeout(attempt, Math.min(waitMs, leftMs));
      };
      const authenticator = octets.subarray(4, 20);
      this.#exchanges.set(key, { authenticator, secret, code: request.code, settle });
      attempt();
    });
  }

  #socket(port: number, address: string): Socket {
    const v6 = isIPv6(address);
    const name = `${v6 ? 6 : 4} ${port}`;
    const known = this.#sockets.get(name);
    if (known !== undefined) return known;
    const socket = createSocket({
      type: v6 ? 'udp6' : 'udp4',
      lookup: (host, _options, callback) => callback(null, host, v6 ? 6 : 4),
    });
    const { logger } = this.#dependencies;
    socket.on('message', (octets, remote) => this.#receive(port, octets, remote));
    socket.on('error', (err) => logger.error({ err }, 'radius steering socket failed'));
    this.#sockets.set(name, socket);
    return socket;
  }

  #receive(port: number, octets: Buffer, remote: RemoteInfo): void {
    const from = { address: plainAddress(remote.address), port: remote.port };
    const exchange = this.#exchanges.get(exchangeKey(port, from, octets[1] ?? 0));
    if (exchange === undefined) return;
    const decoded = decodePacket(octets);
    if (decoded.ok && isReply(decoded.packet, exchange)) exchange.settle(decoded.packet);
    else this.#dependencies.metrics.badReplies.inc();
  }
}

function exchangeKey(
  port: number,
  to: { readonly address: string; readonly port: number },
  identifier: number,
): string {
  return `${port} ${to.address} ${to.port} ${identifier}`;
}

/** Whether a packet has a code that answers a request of that code. */
export function isReplyCode(code: number, ofRequest: number): boolean {
  return code === ofRequest + ACK_OFFSET || code === ofRequest + NAK_OFFSET;
}

/** Whether a packet is the signed answer to a request. */
export function isReply(
  packet: RadiusPacket,
  { code, authenticator, secret }: Pick<Exchange, 'code' | 'authenticator' | 'secret'>,
): boolean {
  return (
    isReplyCode(packet.code, code) &&
    verifyResponseAuthenticator(packet, authenticator, secret) &&
    verifyMessageAuthenticator(packet, secret, authenticator) !== 'invalid'
  );
}
