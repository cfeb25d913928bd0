import { describe, expect, it } from 'vitest';
import type { AccessDecision, AccessRequest } from '../../../src/domain/access.js';
import { toAmount } from '../../../src/domain/amounts.js';
import {
  createAccessExchange,
  replyMessages,
  type GenuineRequest,
  type Reply,
} from '../../../src/radius/access-exchange.js';
import { readReport } from '../../../src/radius/accounting-report.js';
import { attributeValue, type RawAttribute } from '../../../src/radius/attribute.js';
import { chapDigest } from '../../../src/radius/authentication/chap.js';
import { ntPasswordHash, ntResponse } from '../../../src/radius/authentication/ms-chap.js';
import { decodeClass } from '../../../src/radius/class-value.js';
import { describeAttribute } from '../../../src/radius/description.js';
import { MsChap2Response, MsChapChallenge } from '../../../src/radius/generated/microsoft.js';
import {
  AcctSessionId,
  AcctStatusType,
  CallingStationId,
  ChapPassword,
  Class,
  EapMessage,
  FramedProtocol,
  NasIdentifier,
  NasIpAddress,
  State,
  UserName,
  UserPassword,
} from '../../../src/radius/generated/standard.js';
import { hidePassword } from '../../../src/radius/hidden-value.js';
import { createNasRegistry, type NasClientOptions } from '../../../src/radius/nas-clients.js';
import { packetCodeName } from '../../../src/radius/packet-code.js';
import { encodePacket } from '../../../src/radius/packet-encoder.js';
import { decodePacket } from '../../../src/radius/packet.js';
import { createSealingKeys } from '../../../src/radius/sealing-keys.js';
import { SharedSecret } from '../../../src/radius/shared-secret.js';

const keys = createSealingKeys(['0123456789abcdef']);
const secret = new SharedSecret('new secret');
const older = new SharedSecret('old secret');
const authenticator = Buffer.alloc(16, 5);
const session = { partition: 3, accountId: 'acc-1', nonce: '7fffffffffffffff' };

function requestOf(
  attributes: readonly RawAttribute[],
  changes: Partial<NasClientOptions> & { readonly proven?: boolean } = {},
): GenuineRequest {
  const { proven = true, ...options } = changes;
  const nas = createNasRegistry([
    {
      name: 'bng-1',
      networkScope: 'isp',
      addresses: ['192.0.2.1'],
      secrets: ['new secret', 'old secret'],
      vendor: 'mikrotik',
      ...options,
    },
  ]).named('bng-1');
  const result = decodePacket(encodePacket({ code: 1, identifier: 9, authenticator }, attributes));
  if (!result.ok || nas === undefined) throw new Error('no request');
  return {
    packet: result.packet,
    nas,
    secret,
    secretProven: proven,
    uniqueId: null,
    address: '192.0.2.1',
    receivedAt: 1_800_000_000_000,
  };
}

/** Runs one request against an engine that checks `password` and answers with `decision`. */
async function run(
  request: GenuineRequest,
  decision: AccessDecision | ((asked: AccessRequest) => AccessDecision),
  password = 'sekrit',
) {
  const asked: AccessRequest[] = [];
  const left: string[] = [];
  const exchange = createAccessExchange(
    { keys, serverName: 'tolld', eapRoundSeconds: 60 },
    {
      access: async (one) => {
        asked.push(one);
        const result = await one.proof.verify({ kind: 'clear', password });
        if (result !== 'proven')
          return { kind: 'rejected', reason: 'wrong-password', message: 'no' };
        return typeof decision === 'function' ? decision(one) : decision;
      },
      onTermsLeft: (names) => left.push(...names),
    },
  );
  const reply = await exchange(request);
  return { reply, asked, left };
}

function words(reply: Reply | null): string[] {
  if (reply === null) return ['no reply'];
  const attributes = reply.attributes.map((attribute) => {
    const { name, value } = describeAttribute(attribute);
    return ['Class', 'State', 'MS-MPPE-Send-Key', 'MS-MPPE-Recv-Key'].includes(name)
      ? name
      : `${name} ${value}`;
  });
  return [packetCodeName(reply.code), ...attributes];
}

const named = (name: string): RawAttribute => attributeValue(UserName, name);
const pap = (password: string, by = secret): RawAttribute =>
  attributeValue(UserPassword, hidePassword(Buffer.from(password), by, authenticator));
const chap = (password: string): RawAttribute =>
  attributeValue(
    ChapPassword,
    Buffer.concat([Buffer.from([7]), chapDigest(7, password, authenticator)]),
  );
const accepted: AccessDecision = { kind: 'accepted', session, terms: {}, message: null };

describe('an accept', () => {
  it('carries our handle in Class, the terms, and words for the subscriber', async () => {
    const decision: AccessDecision = {
      ...accepted,
      terms: { sessionSecondsMax: 3600, interimSeconds: 300, totalOctetsMax: toAmount(10) },
      message: 'welcome',
    };
    const request = requestOf([named('alice'), pap('sekrit'), attributeValue(FramedProtocol, 1)]);
    const { reply } = await run(request, decision);
    expect(words(reply)).toEqual([
      'Access-Accept',
      'Class',
      'Service-Type Framed',
      'Framed-Protocol PPP',
      'Session-Timeout 3600',
      'Acct-Interim-Interval 300',
      'Mikrotik-Recv-Limit 10',
      'Mikrotik-Xmit-Limit 10',
      'Reply-Message welcome',
    ]);
    const value = reply?.attributes.find(({ key }) => key === Class.key)?.value;
    expect(decodeClass(value ?? Buffer.alloc(0), keys)).toEqual(session);
  });

  it('names the terms that the NAS cannot be told', async () => {
    const { left } = await run(requestOf([named('alice'), pap('sekrit')]), {
      ...accepted,
      terms: { vlan: 7, dnsServers: ['192.0.2.53'] },
    });
    expect(left).toEqual(['vlan', 'dnsServers']);
  });

  it('proves the network to MS-CHAP-V2 and gives keys for the link', async () => {
    const exchange = {
      authenticatorChallenge: Buffer.alloc(16, 1),
      peerChallenge: Buffer.alloc(16, 2),
      userName: 'alice',
    };
    const response = Buffer.concat([
      Buffer.from([3, 0]),
      exchange.peerChallenge,
      Buffer.alloc(8),
      ntResponse(exchange, ntPasswordHash('sekrit')),
    ]);
    const request = requestOf([
      named('alice'),
      attributeValue(MsChapChallenge, exchange.authenticatorChallenge),
      attributeValue(MsChap2Response, response),
    ]);
    const { reply, asked } = await run(request, accepted);
    expect(asked[0]?.proof.method).toBe('ms-chap2');
    expect(words(reply).map((word) => word.split(' ')[0])).toEqual([
      'Access-Accept',
      'Class',
      'MS-CHAP2-Success',
      'MS-MPPE-Send-Key',
      'MS-MPPE-Recv-Key',
      'MS-MPPE-Encryption-Policy',
      'MS-MPPE-Encryption-Types',
    ]);
  });
});

describe('a reject', () => {
  it('says why in words that the operator chose', async () => {
    const { reply } = await run(requestOf([named('alice'), pap('wrong')]), accepted);
    expect(words(reply)).toEqual(['Access-Reject', 'Reply-Message no']);
  });

  it('is what a request without proof, or with two, gets, and its cause', async () => {
    const none = await run(requestOf([named('alice')]), accepted);
    expect(none.asked[0]?.proof.method).toBe('none');
    const missing = 'Error-Cause Missing-Attribute';
    expect(words(none.reply)).toEqual(['Access-Reject', missing, 'Reply-Message no']);
    const both = await run(requestOf([named('alice'), pap('sekrit'), chap('sekrit')]), accepted);
    const invalid = 'Error-Cause Invalid-Request';
    expect(words(both.reply)).toEqual(['Access-Reject', invalid, 'Reply-Message no']);
  });

  it('for a reason of the subscriber has no cause, with a proof or without', async () => {
    const exchange = createAccessExchange(
      { keys, serverName: 'tolld', eapRoundSeconds: 60 },
      {
        access: () => Promise.resolve({ kind: 'rejected', reason: 'suspended', message: 'no' }),
        onTermsLeft: () => undefined,
      },
    );
    for (const proof of [[], [pap('sekrit')]]) {
      const reply = await exchange(requestOf([named('alice'), ...proof]));
      expect(words(reply)).toEqual(['Access-Reject', 'Reply-Message no']);
    }
  });
});

it('sends nothing when nothing could be decided', async () => {
  const { reply } = await run(requestOf([named('alice'), pap('sekrit')]), { kind: 'unavailable' });
  expect(reply).toBeNull();
});

describe('the engine is asked', () => {
  const asking = requestOf([
    named('aabb.cc00.1122'),
    pap('sekrit'),
    attributeValue(AcctSessionId, Buffer.from('81c00003')),
    attributeValue(CallingStationId, 'aa-bb-cc-00-11-22'),
  ]);

  it('with who, where and which session', async () => {
    const { asked } = await run(asking, accepted);
    expect(asked[0]).toMatchObject({
      nas: 'bng-1',
      networkScope: 'isp',
      step: 'admit',
      identities: [
        { kind: 'user-name', value: 'aabb.cc00.1122' },
        { kind: 'mac', value: 'AA:BB:CC:00:11:22' },
      ],
      connection: 'other',
      sessionKey: 'radius:bng-1:81c00003',
      station: 'AA:BB:CC:00:11:22',
      context: { callingStation: 'aa-bb-cc-00-11-22' },
    });
  });

  it('with the session that its reports will name, on the device of a range that it is on', async () => {
    const range = { addresses: ['10.0.0.0/8'] };
    const said = [
      attributeValue(AcctSessionId, Buffer.from('81c00003')),
      attributeValue(NasIdentifier, 'tower'),
      attributeValue(NasIpAddress, '10.0.0.7'),
    ];
    const { asked } = await run(
      requestOf([named('alice'), pap('sekrit'), ...said], range),
      accepted,
    );
    const start = requestOf([...said, attributeValue(AcctStatusType, 1)], range);
    const result = readReport(start.packet, { ...start, keys });
    expect(result).toMatchObject({ report: { sessionKey: asked[0]?.sessionKey } });
    expect(asked[0]?.sessionKey).toMatch(/^radius:bng-1:81c00003~/);
  });

  it('with the same key for a resend and another one for another request', async () => {
    const keyOf = async (request: GenuineRequest): Promise<string | undefined> =>
      (await run(request, accepted)).asked[0]?.requestKey;
    expect(await keyOf(asking)).toBe(await keyOf({ ...asking, receivedAt: 1 }));
    const other = encodePacket({ code: 1, identifier: 10, authenticator }, [named('x')]);
    const result = decodePacket(other);
    if (!result.ok) throw new Error(result.malformation);
    expect(await keyOf({ ...asking, packet: result.packet })).not.toBe(await keyOf(asking));
  });

  it('with a key of its own for each name, also from a NAS without random authenticators', async () => {
    const keyOf = async (name: string): Promise<string | undefined> =>
      (await run(requestOf([named(name), pap('sekrit')]), accepted)).asked[0]?.requestKey;
    expect(await keyOf('alice')).toBe(await keyOf('alice'));
    expect(await keyOf('alice')).not.toBe(await keyOf('bob'));
  });
});

describe('while a secret is being changed', () => {
  it('the password shows which one the NAS still uses, and the reply is signed with it', async () => {
    const request = requestOf([named('alice'), pap('sekrit', older)], { proven: false });
    const { reply } = await run(request, accepted);
    expect(words(reply)[0]).toBe('Access-Accept');
    expect(reply?.secret?.equals(older)).toBe(true);
  });

  it('a request that proved its secret is read with no other', async () => {
    const request = requestOf([named('alice'), pap('sekrit', older)], { proven: true });
    const { reply } = await run(request, accepted);
    expect(words(reply)[0]).toBe('Access-Reject');
    expect(reply?.secret).toBe(secret);
  });
});

describe('EAP', () => {
  const eap = (octets: Buffer, state?: Buffer): RawAttribute[] => [
    named('alice'),
    attributeValue(EapMessage, octets),
    ...(state === undefined ? [] : [attributeValue(State, state)]),
  ];
  const valueOf = (reply: Reply | null, key: number): Buffer =>
    reply?.attributes.find((attribute) => attribute.key === key)?.value ?? Buffer.alloc(0);
  const response = (identifier: number, type: number, data: Buffer): Buffer => {
    const head = Buffer.from([2, identifier, 0, 0, type]);
    head.writeUInt16BE(5 + data.length, 2);
    return Buffer.concat([head, data]);
  };
  const identity = response(1, 1, Buffer.from('alice'));

  it('goes from identity over a challenge to an accept with EAP-Success', async () => {
    const md5 = { eapMethods: ['md5'] as const };
    const first = await run(requestOf(eap(identity), md5), accepted);
    expect(first.asked).toEqual([]);
    expect(words(first.reply)[0]).toBe('Access-Challenge');
    const challenge = valueOf(first.reply, EapMessage.key).subarray(6);
    const digest = Buffer.concat([Buffer.from([16]), chapDigest(2, 'sekrit', challenge)]);
    const answer = eap(response(2, 4, digest), valueOf(first.reply, State.key));
    const second = await run(requestOf(answer, md5), { ...accepted, message: 'never shown' });
    expect(second.asked[0]).toMatchObject({ step: 'admit', connection: 'dot1x' });
    expect(words(second.reply)).toEqual(['Access-Accept', 'Class', 'EAP-Message 0x03020004']);
    const wrong = await run(requestOf(answer, md5), accepted, 'other');
    expect(words(wrong.reply)).toEqual(['Access-Reject', 'EAP-Message 0x04020004']);
  });

  it('asks for the proof of MS-CHAP-V2 before anything is granted', async () => {
    const first = await run(requestOf(eap(identity)), accepted);
    const message = valueOf(first.reply, EapMessage.key);
    const exchange = {
      authenticatorChallenge: message.subarray(10, 26),
      peerChallenge: Buffer.alloc(16, 3),
      userName: 'alice',
    };
    const body = Buffer.concat([
      Buffer.from([2, message[6] ?? 0, 0, 59, 49]),
      exchange.peerChallenge,
      Buffer.alloc(8),
      ntResponse(exchange, ntPasswordHash('sekrit')),
      Buffer.from([0]),
      Buffer.from('alice'),
    ]);
    const answer = eap(response(2, 26, body), valueOf(first.reply, State.key));
    const second = await run(requestOf(answer), ({ step }) =>
      step === 'prove' ? { kind: 'proven' } : accepted,
    );
    expect(second.asked[0]?.step).toBe('prove');
    expect(words(second.reply)[0]).toBe('Access-Challenge');
    const agreed = eap(response(3, 26, Buffer.from([3])), valueOf(second.reply, State.key));
    const third = await run(requestOf(agreed), accepted);
    expect(third.asked[0]?.step).toBe('admit');
    expect(words(third.reply)).toEqual([
      'Access-Accept',
      'Class',
      'MS-MPPE-Send-Key',
      'MS-MPPE-Recv-Key',
      'MS-MPPE-Encryption-Policy Encryption-Allowed',
      'MS-MPPE-Encryption-Types RC4-40or128-bit-Allowed',
      'EAP-Message 0x03030004',
    ]);
    await expect(run(requestOf(answer), accepted)).rejects.toThrow(
      'an admission was not asked for',
    );
    await expect(run(requestOf(agreed), { kind: 'proven' })).rejects.toThrow(
      'a proof alone was not asked for',
    );
  });

  it('ends with EAP-Failure when the exchange is broken, without asking', async () => {
    const { reply, asked } = await run(requestOf(eap(response(2, 4, Buffer.alloc(17)))), accepted);
    expect(words(reply)).toEqual(['Access-Reject', 'EAP-Message 0x04020004']);
    expect(asked).toEqual([]);
  });

  it.each([
    ['no response', Buffer.from('0107000501', 'hex')],
    ['cut', response(7, 1, Buffer.from('alice')).subarray(0, 8)],
  ])('that is no EAP packet, %s, says so in its reject', async (_name, octets) => {
    const { reply, asked } = await run(requestOf(eap(octets)), accepted);
    const cause = 'Error-Cause Invalid-EAP-Packet';
    expect(words(reply)).toEqual(['Access-Reject', cause, 'EAP-Message 0x04070004']);
    expect(asked).toEqual([]);
  });
});

it('cuts long words between characters', () => {
  const message = 'é'.repeat(200);
  const parts = replyMessages(message).map(({ value }) => value);
  expect(parts.map(({ length }) => length)).toEqual([252, 148]);
  expect(Buffer.concat(parts).toString()).toBe(message);
  expect(replyMessages('')).toEqual([]);
});
