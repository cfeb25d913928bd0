/** Comparison that takes the same time whatever differs, lengths included. */
import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';

const blindingKey = createSecretKey(randomBytes(32));

function blinded(octets: Uint8Array): Buffer {
  return createHmac('sha256', blindingKey).update(octets).digest();
}

/** True when both hold the same octets. */
export function equalOctets(one: Uint8Array, other: Uint8Array): boolean {
  return timingSafeEqual(blinded(one), blinded(other));
}
