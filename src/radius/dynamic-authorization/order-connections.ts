/**
 * Orders over the connections that NAS have opened to us over TLS: the way to those that stand behind a
 * firewall or share an address [draft-ietf-radext-reverse-coa]. A stream loses nothing, so that nothing
 * is sent again; identifiers (tokens, where RADIUS/1.1 is spoken) are of each connection, and of our
 * direction alone.
 */
import type { RadiusVersion } from '../../domain/nas.js';
import { encodeRequest } from '../authenticator.js';
import type { SteeringMetrics } from '../metrics.js';
import type { NasClient } from '../nas-clients.js';
import { PACKET_CODES } from '../packet-code.js';
import { decodePacket, type RadiusPacket } from '../packet.js';
import type { SharedSecret } from '../shared-secret.js';
import { encodeTokenPacket, tokenOf } from '../token-packet.js';
import { isReply, isReplyCode } from './request-sender.js';
import type { SteeringRequest } from './steering-request.js';

/** A connection as the one who accepted it knows it. */
export interface AcceptedConnection {
  /** Names in the certificate of its other end. */
  readonly names: readonly string[];
  readonly version: RadiusVersion;
  /** What signs on it where 1.0 is spoken. */
  readonly secret: SharedSecret;
  readonly write: (octets: Buffer) => void;
}

/** `gone`: there is no connection of the NAS, or it ended before the answer. */
export type OrderResult = RadiusPacket | 'unanswered' | 'gone' | 'overloaded';

export interface OrderConnectionsDependencies {
  readonly metrics: Pick<SteeringMetrics, 'badReplies'>;
}

const REPLY_CODES: ReadonlySet<number> = new Set([
  PACKET_CODES['Disconnect-ACK'],
  PACKET_CODES['Disconnect-NAK'],
  PACKET_CODES['CoA-ACK'],
  PACKET_CODES['CoA-NAK'],
]);
const IDENTIFIERS = 256;
const TOKENS = 2 ** 32;

export class OrderConnections {
  readonly #metrics: OrderConnectionsDependencies['metrics'];
  readonly #byNas = new Map<string, Set<OrderConnection>>();

  constructor({ metrics }: OrderConnectionsDependencies) {
    this.#metrics = metrics;
  }

  /** A connection that has been opened to us; whoever accepted it closes it here too. */
  accept(accepted: AcceptedConnection): OrderConnection {
    return new OrderConnection(accepted, { metrics: this.#metrics, byNas: this.#byNas });
  }

  /** Whether a NAS has a connection to this process. */
  reach(nas: NasClient): boolean {
    return this.#newest(nas) !== undefined;
  }

  /** Sends a request over the newest connection of its NAS, once. */
  async send(
    request: SteeringRequest,
    { nas, waitMs }: { readonly nas: NasClient; readonly waitMs: number },
  ): Promise<OrderResult> {
    return (await this.#newest(nas)?.send(request, waitMs)) ?? 'gone';
  }

  /** Gives up what is under way. */
  close(): void {
    for (const connection of [...this.#byNas.values()].flatMap((all) => [...all])) {
      connection.close();
    }
  }

  #newest(nas: NasClient): OrderConnection | undefined {
    // Its certificate may have become another NAS' meanwhile.
    return [...(this.#byNas.get(nas.name) ?? [])].findLast((one) => one.isOf(nas));
  }
}

/** One request under way. */
interface Exchange {
  readonly code: number;
  /** Of the request; null over RADIUS/1.1, where TLS vouches for the reply. */
  readonly authenticator: Buffer | null;
  readonly settle: (result: OrderResult) => void;
}

export class OrderConnection {
  readonly #accepted: AcceptedConnection;
  readonly #names: ReadonlySet<string>;
  readonly #metrics: OrderConnectionsDependencies['metrics'];
  readonly #byNas: Map<string, Set<OrderConnection>>;
  readonly #nas = new Set<string>();
  readonly #exchanges = new Map<number, Exchange>();
  #next = 0;
  #isClosed = false;

  constructor(
    accepted: AcceptedConnection,
    around: {
      readonly metrics: OrderConnectionsDependencies['metrics'];
      readonly byNas: Map<string, Set<OrderConnection>>;
    },
  ) {
    this.#accepted = accepted;
    this.#names = new Set(accepted.names.map((name) => name.toLowerCase()));
    this.#metrics = around.metrics;
    this.#byNas = around.byNas;
  }

  /** A NAS is at its other end: several may be, where a proxy or a certificate is shared. */
  heardOf({ name }: NasClient): void {
    if (this.#isClosed || this.#nas.has(name)) return;
    this.#nas.add(name);
    const connections = this.#byNas.get(name);
    if (connections === undefined) this.#byNas.set(name, new Set([this]));
    else connections.add(this);
  }

  isOf({ certificateNames }: NasClient): boolean {
    return certificateNames.some((name) => this.#names.has(name));
  }

  /** Takes a packet if it is an answer to an order; false for every other. */
  take(octets: Buffer): boolean {
    const [code = 0, identifier = 0] = octets;
    const isTokened = this.#accepted.version === '1.1';
    const isError = isTokened && code === PACKET_CODES['Protocol-Error'];
    if (!REPLY_CODES.has(code) && !isError) return false;
    const exchange = this.#exchanges.get(isTokened ? tokenOf(octets) : identifier);
    const decoded = decodePacket(octets);
    if (exchange !== undefined && decoded.ok && this.#answers(decoded.packet, exchange)) {
      exchange.settle(decoded.packet);
    } else this.#metrics.badReplies.inc();
    return true;
  }

  send({ code, attributes }: SteeringRequest, waitMs: number): Promise<OrderResult> {
    const { version, secret, write } = this.#accepted;
    const place = this.#place();
    if (place === null) return Promise.resolve('overloaded');
    const octets =
      version === '1.1'
        ? encodeTokenPacket(code, place, attributes)
        : encodeRequest({
            ...{ code, attributes, secret, identifier: place },
            ...{ messageAuthenticator: true, randomAuthenticator: null },
          });
    return new Promise((resolve) => {
      const settle = (result: OrderResult): void => {
        clearTimeout(timer);
        this.#exchanges.delete(place);
        resolve(result);
      };
      const timer = setTimeout(() => settle('unanswered'), waitMs);
      const authenticator = version === '1.1' ? null : octets.subarray(4, 20);
      this.#exchanges.set(place, { code, authenticator, settle });
      write(octets);
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const name of this.#nas) {
      const connections = this.#byNas.get(name);
      connections?.delete(this);
      if (connections?.size === 0) this.#byNas.delete(name);
    }
    for (const { settle } of [...this.#exchanges.values()]) settle('gone');
  }

  /** An identifier, or a token, that no order under way has; null for none. */
  #place(): number | null {
    const places = this.#accepted.version === '1.1' ? TOKENS : IDENTIFIERS;
    if (this.#exchanges.size >= IDENTIFIERS) return null;
    do this.#next = (this.#next + 1) % places;
    while (this.#exchanges.has(this.#next));
    return this.#next;
  }

  #answers(packet: RadiusPacket, { code, authenticator }: Exchange): boolean {
    if (authenticator === null) {
      return packet.code === PACKET_CODES['Protocol-Error'] || isReplyCode(packet.code, code);
    }
    return isReply(packet, { code, authenticator, secret: this.#accepted.secret });
  }
}
