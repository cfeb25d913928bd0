/** A peer of bytes that listens: what a node that connects comes to. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { readVector } from './diameter-vectors.js';
import { WirePeer, type WireMessage } from './diameter-wire.js';

const CER = readVector('base.txt', 'cer').bytes;
const RESULT_CODE = Buffer.from('0000010c4000000c', 'hex');

/** What the gateway of the vectors answers to capabilities. */
export function capabilitiesAnswer(request: WireMessage, resultCode = 2001): Buffer {
  const code = Buffer.alloc(4);
  code.writeUInt32BE(resultCode);
  // The answer has what the request has, and the Result-Code in front.
  const answer = Buffer.concat([CER.subarray(0, 20), RESULT_CODE, code, CER.subarray(20)]);
  answer.writeUInt8(0, 4);
  answer.writeUIntBE(answer.length, 1, 3);
  request.bytes.copy(answer, 12, 12, 20);
  return answer;
}

export interface DiameterListener {
  readonly port: number;
  readonly server: Server;
  /** Those that connected, in order. */
  readonly peers: readonly WirePeer[];
  /** The next connection, or the one that nobody has asked for yet. */
  next(): Promise<WirePeer>;
  close(): Promise<void>;
}

export async function startListener(): Promise<DiameterListener> {
  const peers: WirePeer[] = [];
  const arrived: WirePeer[] = [];
  const waiting: ((peer: WirePeer) => void)[] = [];
  const server = createServer((socket) => {
    const peer = new WirePeer(socket);
    peers.push(peer);
    const take = waiting.shift();
    if (take === undefined) arrived.push(peer);
    else take(peer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    server,
    peers,
    next() {
      const peer = arrived.shift();
      if (peer !== undefined) return Promise.resolve(peer);
      return new Promise((resolve) => waiting.push(resolve));
    },
    async close() {
      for (const peer of peers) peer.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
