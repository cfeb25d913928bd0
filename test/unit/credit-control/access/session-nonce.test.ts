import { expect, it } from 'vitest';
import { newNonce } from '../../../../src/credit-control/access/session-nonce.js';

it('gives 128 bits in hex digits, and never the same twice', () => {
  const nonces = Array.from({ length: 1_000 }, newNonce);
  for (const nonce of nonces) expect(nonce).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(nonces).size).toBe(nonces.length);
});
