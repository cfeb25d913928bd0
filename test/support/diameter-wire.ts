/**
 * A Diameter peer of bytes: sends what it is given and cuts what it gets by the length field. It
 * shares no line with the code it talks to.
 */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

export interface WireAvp {
  readonly code: number;
  readonly vendor: number;
  readonly flags: number;
  readonly data: Buffer;
}

/** The AVPs of a message or a group. */
export function avpsOf(bytes: Buffer): WireAvp[] {
  const avps: WireAvp[] = [];
  for (let at = 0; at < bytes.length;) {
    const flags = bytes.readUInt8(at + 4);
    const length = bytes.readUIntBE(at + 5, 3);
    const header = (flags & 0x80) === 0 ? 8 : 12;
    const vendor = header === 12 ? bytes.readUInt32BE(at + 8) : 0;
    const data = bytes.subarray(at + header, at + length);
    avps.push({ code: bytes.readUInt32BE(at), vendor, flags, data });
    at += Math.ceil(length / 4) * 4;
  }
  return avps;
}

export class WireMessage {
  readonly bytes: Buffer;
  readonly avps: readonly WireAvp[];

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.avps = avpsOf(bytes.subarray(20));
  }

  get flags(): number {
    return this.bytes.readUInt8(4);
  }

  get command(): number {
    return this.bytes.readUIntBE(5, 3);
  }

  get hopByHop(): number {
    return this.bytes.readUInt32BE(12);
  }

  get endToEnd(): number {
    return this.bytes.readUInt32BE(16);
  }

  /** Value of the first AVP of this code; undefined when it isn't there. */
  data(code: number, vendor = 0): Buffer | undefined {
    return this.avps.find((avp) => avp.code === code && avp.vendor === vendor)?.data;
  }

  get resultCode(): number | undefined {
    return this.data(268)?.readUInt32BE(0);
  }

  get failedAvp(): string | null {
    return this.data(279)?.toString('hex') ?? null;
  }
}

export class WirePeer {
  readonly socket: Socket;
  #rest = Buffer.alloc(0);
  #messages: WireMessage[] = [];
  #waiting: { need: number; resolve: (messages: WireMessage[]) => void }[] = [];
  #reads = 0;
  readonly closed: Promise<void>;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk) => this.#take(chunk));
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<WirePeer> {
    const socket = connect({ port, host, noDelay: true });
    await once(socket, 'connect');
    return new WirePeer(socket);
  }

  /** Connects and exchanges capabilities. */
  static async open(port: number, capabilities: Buffer): Promise<WirePeer> {
    const peer = await WirePeer.connect(port);
    const [answer] = await peer.exchange(capabilities);
    if (answer?.resultCode !== 2001) throw new Error(`refused with ${answer?.resultCode}`);
    return peer;
  }

  /** Pieces that came in; answers joined into one write come in one. */
  get reads(): number {
    return this.#reads;
  }

  send(...messages: Buffer[]): void {
    this.socket.write(Buffer.concat(messages));
  }

  /** The next messages, as soon as there are so many. Rejects when the connection ends first. */
  receive(count = 1): Promise<WireMessage[]> {
    const arrived = new Promise<WireMessage[]>((resolve) => {
      this.#waiting.push({ need: count, resolve });
      this.#serve();
    });
    const ended = this.closed.then(() => {
      throw new Error(`connection closed with ${this.#messages.length} of ${count} messages`);
    });
    return Promise.race([arrived, ended]);
  }

  async exchange(message: Buffer): Promise<WireMessage[]> {
    this.send(message);
    return this.receive();
  }

  destroy(): void {
    this.socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#reads += 1;
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 4) {
      const length = this.#rest.readUIntBE(1, 3);
      if (this.#rest.length < length) break;
      this.#messages.push(new WireMessage(Buffer.from(this.#rest.subarray(0, length))));
      this.#rest = this.#rest.subarray(length);
    }
    this.#serve();
  }

  #serve(): void {
    for (let [first] = this.#waiting; first !== undefined; [first] = this.#waiting) {
      if (this.#messages.length < first.need) return;
      this.#waiting.shift();
      first.resolve(this.#messages.splice(0, first.need));
    }
  }
}
