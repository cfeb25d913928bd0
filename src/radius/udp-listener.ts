/**
 * One UDP port for authentication or accounting: a socket for everybody, and beside it one for each
 * source that is known (source-queues.ts).
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { plainAddress } from './ip-address.js';
import type { BoundAddress, Listener, ListenerDependencies } from './listener.js';
import { readingOf, ReadingPace } from './reading-pace.js';
import type { PortService } from './request-pipeline.js';
import { SourceQueues, type SourceQueue } from './source-queues.js';

export interface UdpListenerOptions {
  /** IPv4 or IPv6; "::" takes IPv6 alone, so that both families have their own socket. */
  readonly address: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly service: PortService;
  /** Octets that the kernel may queue while the process is busy; it may allow less. */
  readonly receiveBufferOctets: number;
  /** Sources that can have a queue of their own; 0 for none, as on every system but Linux. */
  readonly sourceQueuesMax: number;
  /** Datagrams that begin no request, read of all queues together. */
  readonly vainPerSecondMax: number;
}

export interface UdpListenerDependencies extends ListenerDependencies {
  /** Told of a datagram that is nobody's: all that it costs. */
  readonly dropUnknown: (address: string) => void;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

export interface UdpListener extends Listener {
  /** Gives the addresses that are declared now queues of their own. */
  keepQueues(): void;
}

/** Where a datagram is from: as the system says it, and as requests say it. */
interface DatagramSource {
  readonly sender: string;
  readonly port: number;
  readonly address: string;
  readonly source: string;
}

/** A source that was sent forged packets in the name of for so long may have queues by port. */
const FORGED_MS = 60_000;
/** How long a source with a queue of its own may be silent before another can have its place. */
const SILENT_MS = 300_000;

export function createUdpListener(
  options: UdpListenerOptions,
  dependencies: UdpListenerDependencies,
): UdpListener {
  const { take, nas, logger, dropUnknown, clock } = dependencies;
  const { service, receiveBufferOctets } = options;
  const v6 = isIPv6(options.address);
  const queuesMax = process.platform === 'linux' ? options.sourceQueuesMax : 0;
  const open = (reuseAddr: boolean): Socket =>
    createSocket({
      ...{ type: v6 ? 'udp6' : 'udp4', ipv6Only: v6, reuseAddr },
      recvBufferSize: receiveBufferOctets,
      // Replies go to addresses, never to names: no look-up, no waiting for one.
      lookup: (address, _options, callback) => callback(null, address, v6 ? 6 : 4),
    });
  const socket = open(queuesMax > 0);
  const pace = new ReadingPace(options);
  const shared = readingOf(() => socket);
  let queues: SourceQueues | null = null;
  let name = '';
  let taking = true;
  let isOpen = false;
  let closed = false;
  let sending = 0;
  let onSent: (() => void) | undefined;

  const reply = (octets: Buffer, remote: RemoteInfo): void => {
    if (!isOpen) return;
    sending += 1;
    // All replies leave by the shared socket: whoever is connected to a port would hear of its end only.
    socket.send(octets, remote.port, remote.address, (error) => {
      sending -= 1;
      onSent?.();
      // The NAS asks again; what could not be sent is kept as its answer.
      if (error !== null)
        logger.debug({ err: error, address: remote.address }, 'radius reply not sent');
    });
  };

  /** What to do when a packet out of the shared queue, or the one of an address, is proven genuine. */
  const onProven = (address: string, port: number, queue: SourceQueue | null) => {
    if (queues === null) return null;
    if (queue === null) return () => queues?.add({ address, port: null });
    if (queue.port !== null) return null;
    // Somebody sends in its name: by its port it is told from them.
    return clock() - queue.forgedAt < FORGED_MS ? () => queues?.add({ address, port }) : null;
  };

  let last: DatagramSource = { sender: '', port: 0, address: '', source: '' };
  /** Datagrams of one source are read one behind the other: what names it is made once for them. */
  const sourceOf = ({ address: sender, port }: RemoteInfo): DatagramSource => {
    if (sender !== last.sender || port !== last.port) {
      const source = `${name} ${sender} ${port}`;
      last = { sender, port, address: plainAddress(sender), source };
    }
    return last;
  };

  /** Whether a request began with the datagram. */
  const begins = (octets: Buffer, remote: RemoteInfo, queue: SourceQueue | null): boolean => {
    const { address, source } = sourceOf(remote);
    const candidates = nas().atAddress(address);
    // The cheapest look first: a flood comes from anywhere.
    if (candidates.length === 0) {
      dropUnknown(address);
      return false;
    }
    return take({
      octets,
      service,
      candidates,
      address,
      source,
      version: '1.0',
      tlsSecret: null,
      send: (answer) => reply(answer, remote),
      onProven: onProven(address, remote.port, queue),
      onForged: queue?.noteForged ?? null,
    });
  };
  const receive = (octets: Buffer, remote: RemoteInfo, queue: SourceQueue | null): void => {
    if (taking && !begins(octets, remote, queue)) pace.noteVain(queue?.reading ?? shared);
  };
  socket.on('message', (octets, remote) => receive(octets, remote, null));

  const keepQueues = (): void => queues?.keep(nas().hosts());

  return {
    keepQueues,
    listen: async () => {
      const wanted = { address: options.address, port: options.port };
      // A port that others may join is not refused to a second process: one that is ours alone is.
      const free = queuesMax > 0 ? await probe(open(false), wanted) : wanted;
      const local = await bind(socket, free);
      isOpen = true;
      socket.on('error', (err) => logger.error({ err, service }, 'radius socket failed'));
      name = `${local.address} ${local.port}`;
      if (queuesMax > 0) {
        const queueOptions = { local, receiveBufferOctets, queuesMax, silentMs: SILENT_MS };
        queues = new SourceQueues(queueOptions, { take: receive, logger, clock });
        keepQueues();
      }
      return local;
    },
    stopTaking: () => {
      taking = false;
    },
    close: async () => {
      taking = false;
      isOpen = false;
      if (closed) return;
      closed = true;
      pace.close();
      // A closed socket drops what it was given to send.
      while (sending > 0) {
        await new Promise<void>((resolve) => {
          onSent = resolve;
        });
      }
      await queues?.close();
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}

/** @throws the operating system's error. */
async function bind(socket: Socket, wanted: BoundAddress): Promise<BoundAddress> {
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ ...wanted }, () => {
      socket.off('error', reject);
      resolve();
    });
  });
  const { address, port } = socket.address();
  return { address, port };
}

/** The address if nobody has it, and a free port where any will do. @throws as {@link bind}. */
async function probe(socket: Socket, wanted: BoundAddress): Promise<BoundAddress> {
  const free = await bind(socket, wanted);
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return free;
}
