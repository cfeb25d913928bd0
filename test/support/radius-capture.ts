/**
 * Lets tshark (Debian's package) read RADIUS packets: a decoder that shares nothing with ours, and
 * checks the authenticators too. The packets are put into a capture file as if they had been seen
 * on the wire, so that no right to capture is needed.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const OUTPUT_MAX = 64 * 1024 * 1024;
/** Raw IP packets, no link layer. */
const LINK_TYPE_RAW = 101;

export interface CapturedPacket {
  readonly octets: Buffer;
  /** Ports as seen on the wire: replies go the other way. */
  readonly fromPort: number;
  readonly toPort: number;
}

/** One packet as tshark's text shows it. */
export interface ReadPacket {
  readonly text: string;
  readonly complaints: readonly string[];
}

function ipChecksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** IPv4 and UDP around a packet, from one loopback address to another. */
function wrap({ octets, fromPort, toPort }: CapturedPacket): Buffer {
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(fromPort, 0);
  udp.writeUInt16BE(toPort, 2);
  udp.writeUInt16BE(8 + octets.length, 4);
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(28 + octets.length, 2);
  ip[8] = 64;
  ip[9] = 17;
  ip.writeUInt32BE(0x7f00_0001, 12);
  ip.writeUInt32BE(0x7f00_0001, 16);
  ip.writeUInt16BE(ipChecksum(ip), 10);
  return Buffer.concat([ip, udp, octets]);
}

function captureFile(packets: readonly CapturedPacket[]): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32BE(0xa1b2_c3d4, 0);
  head.writeUInt16BE(2, 4);
  head.writeUInt16BE(4, 6);
  head.writeUInt32BE(65_535, 16);
  head.writeUInt32BE(LINK_TYPE_RAW, 20);
  const records = packets.flatMap((packet, index) => {
    const bytes = wrap(packet);
    const record = Buffer.alloc(16);
    record.writeUInt32BE(1_800_000_000 + index, 0);
    record.writeUInt32BE(bytes.length, 8);
    record.writeUInt32BE(bytes.length, 12);
    return [record, bytes];
  });
  return Buffer.concat([head, ...records]);
}

/** What tshark reads in the packets, in their order, and what it finds wrong. */
export async function readWithTshark(
  packets: readonly CapturedPacket[],
  options: { readonly secret: string },
): Promise<ReadPacket[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tolld-tshark-'));
  try {
    const file = path.join(folder, 'run.pcap');
    writeFileSync(file, captureFile(packets));
    const ports = new Set(packets.flatMap(({ fromPort, toPort }) => [fromPort, toPort]));
    const decode = [...ports].flatMap((port) => ['-d', `udp.port==${port},radius`]);
    const settings = [
      ...['-o', `radius.shared_secret:${options.secret}`],
      ...['-o', 'radius.validate_authenticator:TRUE'],
    ];
    const args = ['-r', file, '-n', ...decode, ...settings, '-V', '-O', 'radius'];
    const { stdout } = await run('tshark', args, { maxBuffer: OUTPUT_MAX });
    return stdout
      .split(/^(?=Frame \d+:)/m)
      .filter((text) => text.startsWith('Frame '))
      .map((text) => ({ text, complaints: complaintsOf(text) }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function complaintsOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => /malformed|incorrect|expert info \((?:warning|error)/i.test(line))
    .map((line) => line.trim());
}
