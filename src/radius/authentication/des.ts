/** One block of DES, as MS-CHAP uses it: a key of seven octets, eight octets in, eight out. */
import { createCipheriv } from 'node:crypto';

/** Spreads 56 key bits over eight octets; the parity bits are left 0, DES does not read them. */
function spreadKey(key: Buffer): Buffer {
  const spread = Buffer.alloc(8);
  let rest = BigInt(key.readUIntBE(0, 6)) * 256n + BigInt(key[6] ?? 0);
  for (let at = 7; at >= 0; at -= 1) {
    spread[at] = Number(rest & 0x7fn) << 1;
    rest >>= 7n;
  }
  return spread;
}

/**
 * Encrypts eight octets. Single DES is out of OpenSSL 3's default set; triple DES with the same
 * key three times is the same function.
 */
export function desEncrypt(key: Buffer, block: Buffer): Buffer {
  const spread = spreadKey(key);
  const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([spread, spread, spread]), null);
  return cipher.setAutoPadding(false).update(block);
}
