/**
 * The connection of a NAS that speaks RADIUS/1.1 over TLS [RFC 9765]: requests out, replies in, told
 * apart by their tokens; and orders in that the server sends back over it, with their answers. Nothing is sent again over a connection; where one is lost, or the server
 * says that it can't do a request now, the request is made anew.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { PACKET_CODES } from '../../radius/packet-code.js';
import { PacketFramer } from '../../radius/packet-framer.js';
import { decodePacket, type RadiusPacket } from '../../radius/packet.js';
import { protocolsOf } from '../../radius/protocol-version.js';
import { encodeTokenPacket, tokenOf } from '../../radius/token-packet.js';
import type { NasReply, NasRequest, NasTransport } from './nas-port.js';
import { isOrder, type OrderAnswer } from './taken-orders.js';
import type { SimulatedServer, SimulatedTls } from './traffic.js';

export interface NasConnectionOptions {
  readonly tls: SimulatedTls;
  /** How long a request waits for its reply, and how long it rests before it is made anew. */
  readonly answerMs: number;
  /** Where requests go, by turns. */
  readonly servers: readonly SimulatedServer[];
}

export interface NasConnectionDependencies {
  /** Does what an order asks for, or says why not. */
  readonly take: (packet: RadiusPacket) => OrderAnswer;
}

const TOKENS = 2 ** 32;
const NO_AUTHENTICATOR = Buffer.alloc(16);

export class NasConnections implements NasTransport {
  readonly #options: NasConnectionOptions;
  readonly #dependencies: NasConnectionDependencies;
  readonly #connections = new Map<string, Promise<Connection>>();
  #nextServer = 0;
  readonly badReplies = 0;
  resent = 0;

  constructor(options: NasConnectionOptions, dependencies: NasConnectionDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
  }

  async ask(request: NasRequest): Promise<NasReply | null> {
    const { answerMs } = this.#options;
    const firstAt = performance.now();
    for (let tries = 1; tries <= request.triesMax; tries += 1) {
      if (tries > 1) {
        this.resent += 1;
        await sleep(answerMs);
      }
      const connection = await this.#connection();
      const delaySeconds = Math.floor((performance.now() - firstAt) / 1000);
      const packet = await connection?.ask(request, { delaySeconds, waitMs: answerMs });
      if (packet === undefined || packet === null) continue;
      if (packet.code !== PACKET_CODES['Protocol-Error']) return { packet, tries };
    }
    return null;
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#connections.values());
    this.#connections.clear();
    for (const each of opened) if (each.status === 'fulfilled') each.value.close();
  }

  /** The connection to the next server; null where none can be made now. */
  async #connection(): Promise<Connection | null> {
    const { servers, tls } = this.#options;
    const server = servers[this.#nextServer % servers.length];
    this.#nextServer += 1;
    if (server === undefined) return null;
    const { address } = server;
    const opening =
      this.#connections.get(address) ?? Connection.open(address, tls, this.#dependencies);
    this.#connections.set(address, opening);
    const forget = (): void => {
      if (this.#connections.get(address) === opening) this.#connections.delete(address);
    };
    try {
      const connection = await opening;
      if (!connection.isClosed) return connection;
    } catch {
      // Not there, or it has another protocol: the next try tells.
    }
    forget();
    return null;
  }
}

class Connection {
  readonly #socket: TLSSocket;
  readonly #take: NasConnectionDependencies['take'];
  readonly #waiting = new Map<number, (packet: RadiusPacket | null) => void>();
  /** Begins anywhere and goes on from there [RFC 9765 4.2.1]. */
  #token = randomBytes(4).readUInt32BE();

  private constructor(socket: TLSSocket, { take }: NasConnectionDependencies) {
    this.#socket = socket;
    this.#take = take;
    const framer = new PacketFramer();
    socket.on('data', (chunk: Buffer) => {
      const { packets, broken } = framer.take(chunk);
      for (const octets of packets) this.#receive(octets);
      if (broken) socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      for (const settle of this.#waiting.values()) settle(null);
    });
  }

  /** @throws the system's error, or that of TLS where the server does not speak RADIUS/1.1. */
  static async open(
    address: string,
    tls: SimulatedTls,
    dependencies: NasConnectionDependencies,
  ): Promise<Connection> {
    const socket = connect({
      host: address,
      port: tls.port,
      ...(tls.serverName !== undefined && { servername: tls.serverName }),
      key: tls.key,
      cert: tls.certificate,
      ca: [...tls.authorities],
      minVersion: 'TLSv1.3',
      ALPNProtocols: protocolsOf(['1.1']),
    });
    await once(socket, 'secureConnect');
    if (socket.alpnProtocol === false) {
      socket.destroy();
      throw new Error('the server does not speak RADIUS/1.1');
    }
    socket.setNoDelay(true);
    return new Connection(socket, dependencies);
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Sends a request once; null where no reply came. */
  async ask(
    { code, attributes }: NasRequest,
    { delaySeconds, waitMs }: { readonly delaySeconds: number; readonly waitMs: number },
  ): Promise<RadiusPacket | null> {
    const token = this.#token;
    this.#token = (token + 1) % TOKENS;
    const sending = { authenticator: NO_AUTHENTICATOR, secret: null, delaySeconds };
    const octets = encodeTokenPacket(PACKET_CODES[code], token, attributes(sending));
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<RadiusPacket | null>((resolve) => {
        this.#waiting.set(token, resolve);
        timer = setTimeout(() => resolve(null), waitMs);
        if (this.isClosed) resolve(null);
        else this.#socket.write(octets);
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(token);
    }
  }

  #receive(octets: Buffer): void {
    const result = decodePacket(octets);
    if (!result.ok) return;
    const { packet } = result;
    const token = tokenOf(octets);
    if (!isOrder(packet.code)) return this.#waiting.get(token)?.(packet);
    const { code, attributes } = this.#take(packet);
    this.#socket.write(encodeTokenPacket(code, token, attributes));
  }
}
