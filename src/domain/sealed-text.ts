/**
 * A secret that travels and is kept encrypted: `v1.<key>.<nonce, ciphertext and tag in base64url>`.
 * `secret-box.ts` seals and opens it.
 */
export type SealedText = string & { readonly sealedText: unique symbol };

const SEALED_PATTERN = /^v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]{38,}$/;

/** Whether a text has the form of a sealed one; only its key can say more. */
export function isSealedText(text: string): text is SealedText {
  return SEALED_PATTERN.test(text);
}
