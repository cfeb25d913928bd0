/**
 * MD4 [RFC 1320], which MS-CHAP is built on and OpenSSL 3 no longer offers by default. It is no
 * hash to protect anything with; the protocol leaves no choice.
 */

const BLOCK_OCTETS = 64;

/** Per round: the added constant, the order of the words, and the four rotations. */
const ROUNDS: readonly {
  readonly constant: number;
  readonly words: readonly number[];
  readonly rotations: readonly number[];
}[] = [
  {
    constant: 0,
    words: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    rotations: [3, 7, 11, 19],
  },
  {
    constant: 0x5a82_7999,
    words: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    rotations: [3, 5, 9, 13],
  },
  {
    constant: 0x6ed9_eba1,
    words: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    rotations: [3, 9, 11, 15],
  },
];

function mix(round: number, x: number, y: number, z: number): number {
  if (round === 0) return (x & y) | (~x & z);
  if (round === 1) return (x & y) | (x & z) | (y & z);
  return x ^ y ^ z;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** The message with a one bit, zeros and its length in bits [RFC 1320 3.1, 3.2]. */
function pad(message: Buffer): Buffer {
  const length = Math.ceil((message.length + 9) / BLOCK_OCTETS) * BLOCK_OCTETS;
  const padded = Buffer.alloc(length);
  message.copy(padded);
  padded[message.length] = 0x80;
  padded.writeBigUInt64LE(BigInt(message.length) * 8n, length - 8);
  return padded;
}

/** The sixteen octets of the digest. */
export function md4(message: Buffer): Buffer {
  const padded = pad(message);
  let state: readonly [number, number, number, number] = [
    0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476,
  ];
  for (let at = 0; at < padded.length; at += BLOCK_OCTETS) {
    let [a, b, c, d] = state;
    ROUNDS.forEach(({ constant, words, rotations }, round) => {
      words.forEach((word, step) => {
        const sum = (a + mix(round, b, c, d) + padded.readUInt32LE(at + word * 4) + constant) | 0;
        [a, b, c, d] = [d, rotate(sum, rotations[step % 4] ?? 0), b, c];
      });
    });
    const [a0, b0, c0, d0] = state;
    state = [(a0 + a) | 0, (b0 + b) | 0, (c0 + c) | 0, (d0 + d) | 0];
  }
  const digest = Buffer.allocUnsafe(16);
  state.forEach((word, index) => digest.writeInt32LE(word | 0, index * 4));
  return digest;
}
