/**
 * Seals secrets that must be kept in clear form (shared secrets, subscribers' passwords) with keys
 * from the environment, so that Postgres, Redis and their copies hold nothing that opens by itself.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { isSealedText, type SealedText } from './domain/sealed-text.js';

const NONCE_OCTETS = 12;
const TAG_OCTETS = 16;
const KEY_OCTETS = 32;

/** A secret can't be sealed or opened with the keys there are. Never holds the secret. */
export class SecretBoxError extends Error {
  readonly code = 'TOLLD_SECRET_BOX';

  constructor(message: string) {
    super(message);
    this.name = 'SecretBoxError';
  }
}

export interface SecretBox {
  /**
   * Seals a text with the newest key. What it belongs to ("nas core secret 1") is bound to it: moved
   * elsewhere it does not open. The same text for the same use gives the same sealed text, so that
   * a change can be told without opening; different uses show nothing of equal secrets.
   * @throws SecretBoxError where there is no key.
   */
  seal(use: string, text: string): SealedText;
  /** @throws SecretBoxError where the key is not among ours, or text and use don't belong together. */
  open(use: string, sealed: SealedText): string;
  /** Whether there is a key to seal with. */
  readonly canSeal: boolean;
}

interface BoxKey {
  readonly id: string;
  /** Made once: octets would be made a key again for each login. */
  readonly cipher: KeyObject;
  readonly nonce: Buffer;
}

/** `keys` newest first: the first seals, all of them open. None at all: nothing can be sealed. */
export function createSecretBox(keys: readonly string[]): SecretBox {
  const derived = keys.map(deriveKey);
  return {
    canSeal: derived.length > 0,
    seal: (use, text) => {
      const [key] = derived;
      if (key === undefined) {
        throw new SecretBoxError('there is no key to seal secrets with: set TOLLD_SECRETS_KEYS');
      }
      return seal(key, use, text);
    },
    open: (use, sealed) => {
      const [version, id] = sealed.split('.');
      const key = derived.find((one) => one.id === id);
      if (!isSealedText(sealed) || version !== 'v1') {
        throw new SecretBoxError(`${use}: no sealed text of a known version`);
      }
      if (key === undefined) {
        throw new SecretBoxError(
          `${use}: sealed with key ${id ?? ''}, which TOLLD_SECRETS_KEYS does not hold`,
        );
      }
      return open(key, use, sealed);
    },
  };
}

function deriveKey(secret: string): BoxKey {
  const derive = (use: string): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, '', `tolld secret box ${use}`, KEY_OCTETS));
  const cipher = createSecretKey(derive('cipher'));
  const id = createHash('sha256').update(derive('name')).digest('hex').slice(0, 8);
  return { id, cipher, nonce: derive('nonce') };
}

/** The nonce follows from what is sealed: it is never used for two different texts. */
function seal(key: BoxKey, use: string, text: string): SealedText {
  const nonce = createHmac('sha256', key.nonce)
    .update(`${Buffer.byteLength(use)}:${use}${text}`)
    .digest()
    .subarray(0, NONCE_OCTETS);
  const cipher = createCipheriv('aes-256-gcm', key.cipher, nonce).setAAD(Buffer.from(use));
  const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final()]);
  const whole = Buffer.concat([sealed, cipher.getAuthTag()]);
  return `v1.${key.id}.${whole.toString('base64url')}` as SealedText;
}

function open(key: BoxKey, use: string, sealed: SealedText): string {
  const octets = Buffer.from(sealed.split('.')[2] ?? '', 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key.cipher, octets.subarray(0, NONCE_OCTETS));
  decipher.setAAD(Buffer.from(use));
  decipher.setAuthTag(octets.subarray(octets.length - TAG_OCTETS));
  try {
    const body = octets.subarray(NONCE_OCTETS, octets.length - TAG_OCTETS);
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
  } catch {
    throw new SecretBoxError(`${use}: the sealed text was changed, or belongs to something else`);
  }
}

/** Uses that sealed texts are bound to, so that who seals and who opens say the same. */
export const SECRET_USES = {
  nas: (name: string): string => `nas ${name}`,
  subscriber: (id: string): string => `subscriber ${id}`,
} as const;
