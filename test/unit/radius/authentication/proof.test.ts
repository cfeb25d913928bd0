import { describe, expect, it } from 'vitest';
import type { AccessSecret } from '../../../../src/domain/access.js';
import { chapCheck, chapDigest, eapMd5Check } from '../../../../src/radius/authentication/chap.js';
import { msChap2Check, msChapCheck } from '../../../../src/radius/authentication/ms-chap-check.js';
import { ntPasswordHash, ntResponse } from '../../../../src/radius/authentication/ms-chap.js';
import { papCheck } from '../../../../src/radius/authentication/pap.js';
import {
  NO_PROOF,
  createProof,
  proofStations,
  type FrontProof,
  type ProofCheck,
  type SecretInUse,
} from '../../../../src/radius/authentication/proof.js';
import { macSpellings } from '../../../../src/radius/authentication/station.js';
import { describeAttribute } from '../../../../src/radius/description.js';
import {
  ChapChallenge,
  ChapPassword,
  UserPassword,
} from '../../../../src/radius/generated/standard.js';
import { MsChapChallenge, MsChapResponse } from '../../../../src/radius/generated/microsoft.js';
import { hidePassword } from '../../../../src/radius/hidden-value.js';
import { decodePacket } from '../../../../src/radius/packet.js';
import { SharedSecret } from '../../../../src/radius/shared-secret.js';
import { lineOf, readWireVectors } from '../../../support/radius-vectors.js';

const secret = new SharedSecret('testing123');
const older = new SharedSecret('testing122');
const authenticator = Buffer.alloc(16, 5);
const NOWHERE = { named: null, calling: null };

function proofOf(check: ProofCheck | undefined, stations = NOWHERE as never): FrontProof {
  if (check === undefined) throw new Error('no proof');
  return createProof(check, stations);
}

function pap(password: string, inUse: SecretInUse = { secret: null }): ProofCheck {
  const hidden = hidePassword(Buffer.from(password), older, authenticator);
  return papCheck(hidden, { secrets: [secret, older], requestAuthenticator: authenticator, inUse });
}

function chap(password: string): ProofCheck | undefined {
  const digest = chapDigest(7, password, authenticator);
  return chapCheck(Buffer.concat([Buffer.from([7]), digest]), authenticator);
}

function msChap2(password: string, hashedName: string, userName: string): ProofCheck | undefined {
  const exchange = {
    authenticatorChallenge: authenticator,
    peerChallenge: Buffer.alloc(16, 9),
    userName: hashedName,
  };
  const response = Buffer.concat([
    Buffer.from([3, 0]),
    exchange.peerChallenge,
    Buffer.alloc(8),
    ntResponse(exchange, ntPasswordHash(password)),
  ]);
  return msChap2Check(response, authenticator, userName);
}

const clear = (password: string): AccessSecret => ({ kind: 'clear', password });
const ntHash = (password: string): AccessSecret => ({
  kind: 'nt-hash',
  hash: ntPasswordHash(password),
});
const oneWay = (password: string): AccessSecret => ({
  kind: 'one-way',
  matches: async (given) => Buffer.from(given).toString() === password,
});

describe('which secrets can check which method', () => {
  const methods: [string, ProofCheck | undefined, string, string, string][] = [
    ['PAP', pap('sekrit'), 'proven', 'proven', 'proven'],
    ['CHAP', chap('sekrit'), 'proven', 'unsupported', 'unsupported'],
    ['MS-CHAP-V2', msChap2('sekrit', 'al', 'al'), 'proven', 'proven', 'unsupported'],
    [
      'EAP-MD5',
      eapMd5Check(7, chapDigest(7, 'sekrit', authenticator), authenticator),
      'proven',
      'unsupported',
      'unsupported',
    ],
    ['nothing', NO_PROOF, 'wrong', 'unsupported', 'unsupported'],
  ];
  it.each(methods)('%s', async (_name, check, byClear, byHash, byOneWay) => {
    const proof = proofOf(check);
    expect(await proof.verify(clear('sekrit'))).toBe(byClear);
    expect(await proof.verify(ntHash('sekrit'))).toBe(byHash);
    expect(await proof.verify(oneWay('sekrit'))).toBe(byOneWay);
  });

  it.each(methods)('%s with another password', async (_name, check, byClear, byHash) => {
    const proof = proofOf(check);
    expect(await proof.verify(clear('Sekrit'))).toBe(byClear === 'proven' ? 'wrong' : byClear);
    expect(await proof.verify(clear(''))).toBe('wrong');
    expect(await proof.verify(ntHash('Sekrit'))).toBe(byHash === 'proven' ? 'wrong' : byHash);
  });
});

describe('the vectors of requests', () => {
  const vectors = readWireVectors('packets.txt');
  const packetOf = (octets: Buffer) => {
    const result = decodePacket(octets);
    if (!result.ok) throw new Error(result.malformation);
    return result.packet;
  };

  it.each(vectors.filter(({ lines }) => lines.has('chap')))('CHAP of $name', async (vector) => {
    const packet = packetOf(vector.octets);
    const challenge = packet.get(ChapChallenge) ?? packet.authenticator;
    const proof = proofOf(chapCheck(packet.get(ChapPassword) ?? Buffer.alloc(0), challenge));
    expect(await proof.verify(clear(lineOf(vector, 'chap')))).toBe('proven');
  });

  it.each(vectors.filter(({ lines }) => lines.has('ms-chap')))(
    'MS-CHAP of $name',
    async (vector) => {
      const packet = packetOf(vector.octets);
      const response = packet.get(MsChapResponse) ?? Buffer.alloc(0);
      const proof = proofOf(msChapCheck(response, packet.get(MsChapChallenge) ?? Buffer.alloc(0)));
      expect(await proof.verify(clear(lineOf(vector, 'ms-chap')))).toBe('proven');
      const context = { secret, requestAuthenticator: packet.authenticator };
      expect(proof.acceptAttributes({ ...context, encryption: 'allowed' })).toHaveLength(3);
      expect(proof.acceptAttributes({ ...context, encryption: 'none' })).toEqual([]);
      expect(await proof.verify(clear('other'))).toBe('wrong');
    },
  );

  it.each(vectors.filter(({ lines }) => lines.has('password')))('PAP of $name', async (vector) => {
    const packet = packetOf(vector.octets);
    const check = papCheck(packet.get(UserPassword) ?? Buffer.alloc(0), {
      secrets: [new SharedSecret(lineOf(vector, 'secret'))],
      requestAuthenticator: packet.authenticator,
      inUse: { secret: null },
    });
    expect(await proofOf(check).verify(clear(lineOf(vector, 'password')))).toBe('proven');
  });
});

it('PAP tells which of two shared secrets the NAS still uses', async () => {
  for (const kept of [clear('sekrit'), ntHash('sekrit'), oneWay('sekrit')]) {
    const inUse: SecretInUse = { secret: null };
    await proofOf(pap('sekrit', inUse)).verify(kept);
    expect(inUse.secret).toBe(older);
  }
  const inUse: SecretInUse = { secret: null };
  await proofOf(pap('wrong', inUse)).verify(clear('sekrit'));
  expect(inUse.secret).toBeNull();
});

describe('MS-CHAP-V2', () => {
  it.each([
    ['alice', 'alice'],
    ['alice', 'NET\\alice'],
    ['NET\\alice', 'NET\\alice'],
  ])('holds when the peer hashed %s and the NAS says %s', async (hashed, userName) => {
    const proof = proofOf(msChap2('sekrit', hashed, userName));
    expect(await proof.verify(clear('sekrit'))).toBe('proven');
  });

  it('does not hold for the name of somebody else', async () => {
    expect(await proofOf(msChap2('sekrit', 'alice', 'bob')).verify(clear('sekrit'))).toBe('wrong');
  });

  it('proves the network in the accept, and adds keys unless the link stays plain', async () => {
    const proof = proofOf(msChap2('sekrit', 'alice', 'alice'));
    const context = { secret, requestAuthenticator: authenticator };
    const names = (encryption: 'none' | 'allowed' | 'required') =>
      proof
        .acceptAttributes({ ...context, encryption })
        .map((attribute) => describeAttribute(attribute).name);
    expect(names('allowed')).toEqual([]);
    await proof.verify(clear('sekrit'));
    expect(names('none')).toEqual(['MS-CHAP2-Success']);
    expect(names('required')).toEqual([
      'MS-CHAP2-Success',
      'MS-MPPE-Send-Key',
      'MS-MPPE-Recv-Key',
      'MS-MPPE-Encryption-Policy',
      'MS-MPPE-Encryption-Types',
    ]);
    const [success] = proof.acceptAttributes({ ...context, encryption: 'none' });
    expect(success?.value[0]).toBe(3);
    expect(success?.value.toString('latin1', 1)).toMatch(/^S=[0-9A-F]{40}$/);
  });

  it('says in the reject what RFC 2759 has a number for', () => {
    const proof = proofOf(msChap2('sekrit', 'alice', 'alice'));
    const text = (reason: 'wrong-password' | 'suspended' | 'no-credit') =>
      proof.rejectAttributes(reason)[0]?.value.toString('latin1', 1);
    expect(text('wrong-password')).toBe('E=691 R=0 V=3');
    expect(text('suspended')).toBe('E=647 R=0 V=3');
    expect(text('no-credit')).toBe('E=649 R=0 V=3');
  });
});

describe('what cannot be a proof is none', () => {
  const fifty = Buffer.alloc(50);
  const withNt = Buffer.from(fifty).fill(1, 1, 2);
  it.each([
    ['CHAP of 16 octets', chapCheck(Buffer.alloc(16), authenticator)],
    ['MS-CHAP of 49 octets', msChapCheck(withNt.subarray(1), Buffer.alloc(8))],
    ['MS-CHAP with a challenge of 16 octets', msChapCheck(withNt, Buffer.alloc(16))],
    ['MS-CHAP with the LAN Manager response alone', msChapCheck(fifty, Buffer.alloc(8))],
    ['MS-CHAP-V2 of 51 octets', msChap2Check(Buffer.alloc(51), authenticator, 'a')],
    ['MS-CHAP-V2 with a challenge of 8 octets', msChap2Check(fifty, Buffer.alloc(8), 'a')],
    ['EAP-MD5 of 15 octets', eapMd5Check(1, Buffer.alloc(15), authenticator)],
  ])('%s', (_name, check) => {
    expect(check).toBeUndefined();
  });

  it('PAP of 17 octets is a password that nothing matches', async () => {
    const check = papCheck(Buffer.alloc(17), {
      secrets: [secret],
      requestAuthenticator: authenticator,
      inUse: { secret: null },
    });
    expect(await proofOf(check).verify(clear(''))).toBe('wrong');
  });
});

describe('a station that is admitted by its address', () => {
  const mac = 'AA:BB:0C:00:11:2F';
  const station: AccessSecret = { kind: 'station', password: null };
  const stations = proofStations('aabb.0c00.112f', 'AA-BB-0C-00-11-2F');

  it.each([...macSpellings(mac), ''])('may send %j as its password', async (password) => {
    expect(await createProof(pap(password), stations).verify(station)).toBe('proven');
    const byChap = chap(password);
    if (byChap === undefined) throw new Error('no proof');
    expect(await createProof(byChap, stations).verify(station)).toBe('proven');
  });

  it('may send nothing, or the password that all stations share', async () => {
    expect(await createProof(NO_PROOF, stations).verify(station)).toBe('proven');
    const shared: AccessSecret = { kind: 'station', password: 'hotspot' };
    expect(await createProof(pap('hotspot'), stations).verify(shared)).toBe('proven');
    expect(await createProof(pap('hotspot'), stations).verify(station)).toBe('wrong');
  });

  it('may not send the address of another one', async () => {
    const other = proofStations(mac, 'AA:BB:0C:00:11:30');
    expect(await createProof(pap(mac), other).verify(station)).toBe('wrong');
    expect(await createProof(NO_PROOF, other).verify(station)).toBe('wrong');
    const unnamed = proofStations('alice', mac);
    expect(await createProof(NO_PROOF, unnamed).verify(station)).toBe('wrong');
  });

  it('is believed when the NAS does not say which station it saw', async () => {
    expect(await createProof(pap(mac), proofStations(mac, undefined)).verify(station)).toBe(
      'proven',
    );
  });
});
