import { describe, expect, it } from 'vitest';
import { chapDigest } from '../../../../src/radius/authentication/chap.js';
import {
  takeEapRound,
  type EapRound,
  type EapStep,
} from '../../../../src/radius/authentication/eap.js';
import {
  decodeEapResponse,
  decodeMsChap2Response,
} from '../../../../src/radius/authentication/eap-packet.js';
import {
  openEapState,
  sealEapState,
  type EapState,
} from '../../../../src/radius/authentication/eap-state.js';
import {
  authenticatorResponse,
  ntPasswordHash,
  ntResponse,
} from '../../../../src/radius/authentication/ms-chap.js';
import { createProof } from '../../../../src/radius/authentication/proof.js';
import { describeAttribute } from '../../../../src/radius/description.js';
import { createSealingKeys } from '../../../../src/radius/sealing-keys.js';
import { SharedSecret } from '../../../../src/radius/shared-secret.js';

const keys = createSealingKeys(['0123456789abcdef-new', '0123456789abcdef-old']);
const options = {
  methods: ['md5', 'ms-chap2'] as const,
  keys,
  serverName: 'tolld',
  roundSeconds: 60,
};
const NOW = 1_800_000_000_000;
const binding = Buffer.from('bng-1 alice');
const NOWHERE = { named: null, calling: null };

function round(message: Buffer, state?: Buffer, changes: Partial<EapRound> = {}): EapRound {
  return { message, state, binding, now: NOW, ...changes };
}

function response(identifier: number, type: number, data: Buffer | string): Buffer {
  const body = Buffer.from(data);
  const head = Buffer.from([2, identifier, 0, 0, type]);
  head.writeUInt16BE(5 + body.length, 2);
  return Buffer.concat([head, body]);
}

const identity = (identifier = 1): Buffer => response(identifier, 1, 'alice');

function as<Kind extends EapStep['kind']>(
  kind: Kind,
  step: EapStep,
): Extract<EapStep, { kind: Kind }> {
  if (step.kind !== kind) throw new Error(`expected ${kind}, got ${step.kind}`);
  return step as Extract<EapStep, { kind: Kind }>;
}

/** The peer's answer to an MS-CHAP-V2 challenge request. */
function msChap2Answer(request: Buffer, password: string, name = 'alice') {
  const exchange = {
    authenticatorChallenge: request.subarray(10, 26),
    peerChallenge: Buffer.alloc(16, 3),
    userName: name,
  };
  const nt = ntResponse(exchange, ntPasswordHash(password));
  const body = Buffer.concat([
    Buffer.from([2, request[6] ?? 0, 0, 0, 49]),
    exchange.peerChallenge,
    Buffer.alloc(8),
    nt,
    Buffer.from([0]),
    Buffer.from(name),
  ]);
  body.writeUInt16BE(body.length, 2);
  return { message: response(request[1] ?? 0, 26, body), exchange, nt };
}

describe('EAP-MD5', () => {
  it('challenges an identity and admits the right digest', async () => {
    const begun = as('challenge', takeEapRound(round(identity()), options));
    expect(begun.message.subarray(0, 6).toString('hex')).toBe('010200160410');
    const digest = chapDigest(2, 'sekrit', begun.message.subarray(6, 22));
    const answer = response(2, 4, Buffer.concat([Buffer.from([16]), digest]));
    const step = as('admit', takeEapRound(round(answer, begun.state), options));
    const proof = createProof(step.check, NOWHERE);
    expect(proof.method).toBe('eap-md5');
    expect(await proof.verify({ kind: 'clear', password: 'sekrit' })).toBe('proven');
    expect(await proof.verify({ kind: 'clear', password: 'other' })).toBe('wrong');
    expect(step.success.toString('hex')).toBe('03020004');
    expect(step.failure.toString('hex')).toBe('04020004');
  });
});

describe('EAP-MSCHAPv2', () => {
  async function provenStep(password: string) {
    const nak = response(2, 3, Buffer.from([26]));
    const begun = as('challenge', takeEapRound(round(identity()), options));
    const offered = as('challenge', takeEapRound(round(nak, begun.state), options));
    const answer = msChap2Answer(offered.message, password);
    const step = as('prove', takeEapRound(round(answer.message, offered.state), options));
    return { step, answer, offered };
  }

  it('proves both sides to each other, then admits with keys', async () => {
    const { step, answer, offered } = await provenStep('sekrit');
    expect(offered.message[4]).toBe(26);
    const proof = createProof(step.check, NOWHERE);
    expect(await proof.verify({ kind: 'clear', password: 'sekrit' })).toBe('proven');
    const shown = step.next();
    const expected = authenticatorResponse(answer.exchange, ntPasswordHash('sekrit'), answer.nt);
    expect(shown.message.toString('latin1', 9)).toBe(`${expected} M=OK`);
    expect(shown.message[1]).toBe((offered.message[1] ?? 0) + 1);

    const agreed = response(shown.message[1] ?? 0, 26, Buffer.from([3]));
    const last = as('admit', takeEapRound(round(agreed, shown.state), options));
    expect(last.success).toEqual(Buffer.from([3, shown.message[1] ?? 0, 0, 4]));
    const admitted = createProof(last.check, NOWHERE);
    expect(await admitted.verify({ kind: 'clear', password: 'whatever' })).toBe('proven');
    const context = { secret: new SharedSecret('s'), requestAuthenticator: Buffer.alloc(16) };
    const names = admitted
      .acceptAttributes({ ...context, encryption: 'none' })
      .map((attribute) => describeAttribute(attribute).name);
    expect(names).toEqual(['MS-MPPE-Send-Key', 'MS-MPPE-Recv-Key']);
  });

  it('gives nothing away when the proof is wrong', async () => {
    const { step } = await provenStep('wrong');
    const proof = createProof(step.check, NOWHERE);
    expect(await proof.verify({ kind: 'clear', password: 'sekrit' })).toBe('wrong');
    expect(() => step.next()).toThrow('no MS-CHAP-V2 proof has held');
    expect(step.failure[0]).toBe(4);
  });

  it('does not admit a peer that disagrees', async () => {
    const { step } = await provenStep('sekrit');
    await createProof(step.check, NOWHERE).verify({ kind: 'clear', password: 'sekrit' });
    const shown = step.next();
    const disagreed = response(shown.message[1] ?? 0, 26, Buffer.from([4]));
    expect(takeEapRound(round(disagreed, shown.state), options).kind).toBe('failed');
  });

  it('does not admit a peer that agrees before it has proven anything', () => {
    const msOnly = { ...options, methods: ['ms-chap2'] as const };
    const begun = as('challenge', takeEapRound(round(identity()), msOnly));
    const agreed = response(2, 26, Buffer.from([3]));
    expect(takeEapRound(round(agreed, begun.state), msOnly).kind).toBe('failed');
  });
});

it('asks for the identity when the NAS starts EAP without one', () => {
  const asked = as('challenge', takeEapRound(round(Buffer.alloc(0)), options));
  expect(asked.message.subarray(4).toString('hex')).toBe('01');
  const identified = takeEapRound(round(identity(asked.message[1] ?? 0), asked.state), options);
  expect(identified.kind).toBe('challenge');
});

it('offers the next method to a peer that refuses one, until none is left', () => {
  const begun = as('challenge', takeEapRound(round(identity()), options));
  const refuseAll = (identifier: number): Buffer => response(identifier, 3, Buffer.from([0]));
  expect(takeEapRound(round(refuseAll(2), begun.state), options).kind).toBe('failed');
  const refuse = (identifier: number): Buffer => response(identifier, 3, Buffer.from([4, 26]));
  const second = as('challenge', takeEapRound(round(refuse(2), begun.state), options));
  expect(second.message[4]).toBe(26);
  expect(takeEapRound(round(refuse(3), second.state), options).kind).toBe('failed');
});

it('wraps the identifier from 255 to 0', () => {
  const begun = as('challenge', takeEapRound(round(identity(255)), options));
  expect(begun.message[1]).toBe(0);
});

describe('a State that is not of this exchange ends it', () => {
  const begun = as('challenge', takeEapRound(round(identity()), options));
  const digest = chapDigest(2, 'sekrit', begun.message.subarray(6, 22));
  const answer = response(2, 4, Buffer.concat([Buffer.from([16]), digest]));
  const flipped = Buffer.from(begun.state);
  flipped[20] = (flipped[20] ?? 0) ^ 1;
  it.each<[string, EapRound]>([
    ['absent', round(answer)],
    ['changed', round(answer, flipped)],
    ['cut', round(answer, begun.state.subarray(0, 30))],
    ['empty', round(answer, Buffer.alloc(0))],
    ['of another user', round(answer, begun.state, { binding: Buffer.from('bng-1 bob') })],
    ['too old', round(answer, begun.state, { now: NOW + 61_000 })],
    ['for another identifier', round(response(3, 4, answer.subarray(5)), begun.state)],
    ['for another method', round(response(2, 26, answer.subarray(5)), begun.state)],
  ])('%s', (_name, given) => {
    expect(takeEapRound(given, options).kind).toBe('failed');
  });

  it('but not when the keys have been changed since', () => {
    const rotated = createSealingKeys(['0123456789abcdef-newer', '0123456789abcdef-new']);
    const step = takeEapRound(round(answer, begun.state), { ...options, keys: rotated });
    expect(step.kind).toBe('admit');
  });
});

describe('octets that are no EAP response', () => {
  it.each([
    ['a request', '0101000501'],
    ['too short', '020100'],
    ['a length beyond the octets', '0201000a01'],
    ['a length below the header', '0201000401'],
    ['a success', '03010004'],
  ])('%s', (_name, hex) => {
    const octets = Buffer.from(hex, 'hex');
    expect(decodeEapResponse(octets)).toBeUndefined();
    expect(takeEapRound(round(octets), options).kind).toBe('failed');
  });

  it.each([
    ['cut', Buffer.from('0201003a31', 'hex')],
    ['with another opcode', Buffer.alloc(60, 1)],
    [
      'with another value size',
      Buffer.concat([Buffer.from('0201003a30', 'hex'), Buffer.alloc(60)]),
    ],
  ])('an MS-CHAP-V2 response %s', (_name, data) => {
    expect(decodeMsChap2Response(data)).toBeUndefined();
  });
});

describe('a sealed state', () => {
  const state: EapState = {
    phase: 'challenged',
    method: 'ms-chap2',
    identifier: 200,
    expiresAt: NOW,
    challenge: Buffer.alloc(16, 1),
    refused: ['md5'],
  };

  it('opens as it was, and fits into an attribute', () => {
    const sealed = sealEapState(state, binding, keys);
    expect(sealed.length).toBeLessThanOrEqual(253);
    expect(openEapState(sealed, { binding, keys, now: NOW })).toEqual(state);
  });

  it('never repeats', () => {
    expect(sealEapState(state, binding, keys)).not.toEqual(sealEapState(state, binding, keys));
  });

  it('does not open when any bit of it was changed', () => {
    const sealed = sealEapState(state, binding, keys);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(openEapState(changed, { binding, keys, now: NOW })).toBeUndefined();
    }
  });
});
