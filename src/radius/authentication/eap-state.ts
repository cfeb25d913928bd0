/**
 * Where an EAP exchange stands, sealed into the State attribute. No process remembers it, so any
 * process can take the next round; what a NAS or an attacker changes does not open.
 */
import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto';
import type { SealingKeys } from '../sealing-keys.js';
import type { MppeKeys } from './mppe.js';

export const EAP_METHODS = ['md5', 'ms-chap2'] as const;
export type EapMethod = (typeof EAP_METHODS)[number];

export type EapState =
  | {
      readonly phase: 'challenged';
      readonly method: EapMethod;
      readonly identifier: number;
      readonly expiresAt: number;
      readonly challenge: Buffer;
      /** Methods that the peer has refused. */
      readonly refused: readonly EapMethod[];
    }
  | {
      /** The peer's proof held; it has been shown ours and has to agree. */
      readonly phase: 'proven';
      readonly method: 'ms-chap2';
      readonly identifier: number;
      readonly expiresAt: number;
      readonly keys: MppeKeys;
    };

const LAYOUT_VERSION = 1;
const PHASES = ['challenged', 'proven'] as const;
const NONCE_OCTETS = 12;
const TAG_OCTETS = 16;
const HEAD_OCTETS = 10;
const BODY_OCTETS = 16;

/** Version, phase, method, refused methods, identifier (1 each), expiry in seconds (5), octets. */
function pack(state: EapState): Buffer {
  const head = Buffer.alloc(HEAD_OCTETS);
  head[0] = LAYOUT_VERSION;
  head[1] = PHASES.indexOf(state.phase);
  head[2] = EAP_METHODS.indexOf(state.method);
  head[4] = state.identifier;
  head.writeUIntBE(Math.floor(state.expiresAt / 1000), 5, 5);
  if (state.phase === 'proven') return Buffer.concat([head, state.keys.send, state.keys.receive]);
  head[3] = state.refused.reduce((bits, method) => bits | (1 << EAP_METHODS.indexOf(method)), 0);
  return Buffer.concat([head, state.challenge]);
}

function unpack(octets: Buffer): EapState | undefined {
  const phase = PHASES[octets[1] ?? -1];
  const method = EAP_METHODS[octets[2] ?? -1];
  if (octets[0] !== LAYOUT_VERSION || phase === undefined || method === undefined) return undefined;
  const identifier = octets[4] ?? 0;
  const expiresAt = octets.readUIntBE(5, 5) * 1000;
  const body = octets.subarray(HEAD_OCTETS);
  if (phase === 'challenged' && body.length === BODY_OCTETS) {
    const refused = EAP_METHODS.filter((_, bit) => ((octets[3] ?? 0) & (1 << bit)) !== 0);
    return { phase, method, identifier, expiresAt, challenge: body, refused };
  }
  if (phase !== 'proven' || method !== 'ms-chap2' || body.length !== 2 * BODY_OCTETS) {
    return undefined;
  }
  const keys = { send: body.subarray(0, BODY_OCTETS), receive: body.subarray(BODY_OCTETS) };
  return { phase, method, identifier, expiresAt, keys };
}

/**
 * Seals a state.
 * @param binding who the exchange is with (NAS, user name, station): the state opens for no other.
 */
export function sealEapState(state: EapState, binding: Buffer, keys: SealingKeys): Buffer {
  const [key] = keys.stateKeys;
  if (key === undefined) throw new RangeError('no sealing key');
  const nonce = randomBytes(NONCE_OCTETS);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(binding);
  const sealed = Buffer.concat([cipher.update(pack(state)), cipher.final()]);
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]);
}

function openWith(key: KeyObject, value: Buffer, binding: Buffer): Buffer | undefined {
  const decipher = createDecipheriv('aes-256-gcm', key, value.subarray(0, NONCE_OCTETS));
  decipher.setAAD(binding).setAuthTag(value.subarray(value.length - TAG_OCTETS));
  try {
    const plain = decipher.update(value.subarray(NONCE_OCTETS, value.length - TAG_OCTETS));
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    // Not sealed with this key, or not for this exchange.
    return undefined;
  }
}

/** Opens a state; undefined when it is not ours, belongs to another exchange, or is too old. */
export function openEapState(
  value: Buffer,
  options: { readonly binding: Buffer; readonly keys: SealingKeys; readonly now: number },
): EapState | undefined {
  if (value.length < NONCE_OCTETS + HEAD_OCTETS + TAG_OCTETS) return undefined;
  for (const key of options.keys.stateKeys) {
    const octets = openWith(key, value, options.binding);
    if (octets === undefined) continue;
    const state = unpack(octets);
    return state !== undefined && state.expiresAt >= options.now ? state : undefined;
  }
  return undefined;
}
