/**
 * Queues of their own for sources that are known: sockets at the address and port of a shared one, each
 * connected to a source. The kernel hands what a source sends to the socket that is connected to it and
 * the rest to the shared one, so that a flood of others fills the shared queue alone; and every socket is
 * read in turn, a few datagrams each, so that none waits for the flood to be through.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Logger } from '../observability/logger.js';
import type { BoundAddress } from './listener.js';
import { readingOf, type Reading } from './reading-pace.js';

export interface SourceQueuesOptions {
  /** Of the shared socket, which must allow others beside it. */
  readonly local: BoundAddress;
  /** Octets that the kernel may queue for one source; it may allow less. */
  readonly receiveBufferOctets: number;
  /** Sources that can have one; the others share. */
  readonly queuesMax: number;
  /** One that was silent for so long gives its place to another source. */
  readonly silentMs: number;
}

export interface SourceQueuesDependencies {
  readonly take: (octets: Buffer, remote: RemoteInfo, queue: SourceQueue) => void;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

export interface Source {
  readonly address: string;
  /** Null: whatever port it sends from. */
  readonly port: number | null;
}

/** What one source sends. */
export interface SourceQueue extends Source {
  /** Says that a packet out of it was forged. */
  readonly noteForged: () => void;
  /** When that was last. */
  readonly forgedAt: number;
  readonly reading: Reading;
}

interface OpenQueue extends SourceQueue {
  forgedAt: number;
  /** Null where the system refused one: that source shares. */
  socket: Socket | null;
  /** Declared by its address, and kept however silent. */
  isLasting: boolean;
  heardAt: number;
}

/**
 * Any port. Node's check of ports lets no number 0 through here, but does as text; Linux then tells
 * sources apart by their address alone. Where that is refused, sources share the one queue.
 */
const ANY_PORT = '0' as unknown as number;
/** Of one source, so that a stolen packet sent again from every port takes no place of others. */
const PORTS_PER_SOURCE_MAX = 8;
/** Where no place is free, none is looked for again so soon. */
const FULL_MS = 1_000;

export class SourceQueues {
  readonly #options: SourceQueuesOptions;
  readonly #dependencies: SourceQueuesDependencies;
  readonly #queues = new Map<string, OpenQueue>();
  #fullUntil = -Infinity;
  #isClosed = false;

  constructor(options: SourceQueuesOptions, dependencies: SourceQueuesDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
  }

  /** Sources that have a queue of their own. */
  get open(): number {
    return [...this.#queues.values()].filter(({ socket }) => socket !== null).length;
  }

  /** Opens queues for addresses that are declared, and closes those of addresses that are no more. */
  keep(addresses: readonly string[]): void {
    const kept = new Set(addresses);
    for (const queue of this.#queues.values()) {
      if (queue.isLasting && !kept.has(queue.address)) this.#close(queue);
    }
    for (const address of kept) this.#open({ address, port: null }, true);
  }

  /** Opens a queue for a source that has proved itself, if there is room for it. */
  add(source: Source): void {
    if (source.port !== null && !this.#hasPortLeft(source.address)) return;
    this.#open(source, false);
  }

  /** Closes all; none opens afterwards, whatever is declared then. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const sockets = [...this.#queues.values()].flatMap(({ socket }) => socket ?? []);
    this.#queues.clear();
    await Promise.all(
      sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))),
    );
  }

  /** Whether a source may have a port more: one that it has left long ago gives its place up. */
  #hasPortLeft(address: string): boolean {
    const ports = [...this.#queues.values()].filter(
      (queue) => queue.address === address && queue.port !== null,
    );
    if (ports.length < PORTS_PER_SOURCE_MAX) return true;
    const left = silentLongest(ports, this.#dependencies.clock() - this.#options.silentMs);
    if (left !== null) this.#close(left);
    return left !== null;
  }

  #open(source: Source, isLasting: boolean): void {
    if (this.#isClosed) return;
    const known = this.#queues.get(keyOf(source));
    if (known !== undefined) {
      known.isLasting ||= isLasting;
      return;
    }
    if (isIPv6(source.address) !== isIPv6(this.#options.local.address)) return;
    const now = this.#dependencies.clock();
    if (this.#queues.size >= this.#options.queuesMax && !this.#makeRoom(now)) return;
    const { address, port } = source;
    const queue: OpenQueue = {
      ...{ address, port, socket: null, isLasting, heardAt: now, forgedAt: -Infinity },
      reading: readingOf(() => queue.socket),
      noteForged: () => {
        queue.forgedAt = queue.heardAt;
      },
    };
    // Also where none can be had: it is not tried again for each of its packets.
    this.#queues.set(keyOf(source), queue);
    this.#connect(queue);
  }

  /** Takes the place of the source that was silent longest; false while none was for long. */
  #makeRoom(now: number): boolean {
    if (now < this.#fullUntil) return false;
    const oldest = silentLongest(this.#queues.values(), now - this.#options.silentMs);
    if (oldest === null) this.#fullUntil = now + FULL_MS;
    else this.#close(oldest);
    return oldest !== null;
  }

  #close(queue: OpenQueue): void {
    queue.socket?.close();
    queue.socket = null;
    this.#queues.delete(keyOf(queue));
  }

  /**
   * Binds and connects within one turn: until it is connected the socket would get what is anybody's.
   * What it got so is taken all the same, as from whom it came.
   */
  #connect(queue: OpenQueue): void {
    const { local, receiveBufferOctets } = this.#options;
    const { take, logger, clock } = this.#dependencies;
    const { address, port } = queue;
    const v6 = isIPv6(local.address);
    const socket = createSocket({
      type: v6 ? 'udp6' : 'udp4',
      ipv6Only: v6,
      reuseAddr: true,
      recvBufferSize: receiveBufferOctets,
      lookup: (host, _options, callback) => callback(null, host, v6 ? 6 : 4),
    });
    queue.socket = socket;
    let isConnected = false;
    const refused = (err: unknown): void => {
      if (queue.socket !== socket) return;
      queue.socket = null;
      socket.close();
      logger.info({ err, address }, 'radius source without a queue of its own');
    };
    socket.once('connect', () => {
      isConnected = true;
    });
    socket.on('error', (err) => {
      if (!isConnected) refused(err);
      // It closed its port before its answer came.
      else logger.debug({ err, address }, 'radius source does not listen');
    });
    socket.on('message', (octets, remote) => {
      queue.heardAt = clock();
      take(octets, remote, queue);
    });
    try {
      socket.bind({ address: local.address, port: local.port });
      socket.connect(port ?? ANY_PORT, address);
    } catch (error) {
      refused(error);
    }
  }
}

/** The one that was silent longest, and since then at least; null for none. */
function silentLongest(queues: Iterable<OpenQueue>, since: number): OpenQueue | null {
  let oldest: OpenQueue | null = null;
  for (const queue of queues) {
    if (queue.isLasting || queue.heardAt > since) continue;
    if (oldest === null || queue.heardAt < oldest.heardAt) oldest = queue;
  }
  return oldest;
}

function keyOf({ address, port }: Source): string {
  return port === null ? address : `${address} ${port}`;
}
