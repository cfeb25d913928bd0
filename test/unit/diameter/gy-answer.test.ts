import { describe, expect, it } from 'vitest';
import type { Amount } from '../../../src/domain/amounts.js';
import type {
  CreditControlOutcome,
  FinalUnitAction,
  Money,
  ServiceOutcome,
} from '../../../src/domain/credit-control.js';
import type { AnswerContext } from '../../../src/diameter/gy.js';
import { writeCreditControlAnswer } from '../../../src/diameter/gy-answer.js';
import { encodeIdentity } from '../../../src/diameter/identity.js';
import { MessageWriter } from '../../../src/diameter/message-writer.js';
import { PEER_PROFILE_DEFAULTS } from '../../../src/diameter/peer.js';
import type { PeerProfile } from '../../../src/domain/diameter-peer.js';
import { readVector } from '../../support/diameter-vectors.js';
import { WireMessage, avpsOf } from '../../support/diameter-wire.js';

const IDENTITY = encodeIdentity({
  host: 'tolld-1.ocs.example',
  realm: 'ocs.example',
  originStateId: 1_791_200_000,
});
const MIDDAY = Date.UTC(2026, 8, 28, 12);
const TENTH: Money = { amount: 100_000 as Amount, resource: 'EUR', scale: 6 };

function contextOf(change: Partial<AnswerContext> = {}): AnswerContext {
  return {
    flags: 0xc0,
    hopByHop: 0x11223344,
    endToEnd: 0x55667788,
    sessionId: 'pgw1.visited.example;1876543210;523;1',
    requestType: 2,
    requestNumber: 1,
    multipleServices: true,
    impliedRatingGroup: null,
    repeated: null,
    ...change,
  };
}

function service(change: Partial<ServiceOutcome> = {}): ServiceOutcome {
  return { ratingGroup: 10, serviceIdentifiers: [], result: 'granted', ...change };
}

type Answered = Extract<CreditControlOutcome, { kind: 'answered' }>;

function answered(
  services: readonly ServiceOutcome[],
  change: Partial<Answered> = {},
): CreditControlOutcome {
  return { kind: 'answered', repeated: false, lowBalance: false, services, ...change };
}

function write(
  outcome: CreditControlOutcome,
  context = contextOf(),
  profile: Partial<PeerProfile> = {},
): Buffer {
  const writer = new MessageWriter();
  writeCreditControlAnswer(writer, context, outcome, {
    identity: IDENTITY,
    profile: { ...PEER_PROFILE_DEFAULTS, ...profile },
  });
  return writer.take();
}

function expectVector(name: string, answer: Buffer): void {
  const { bytes } = readVector('credit-control-answers.txt', name);
  expect(answer.toString('hex')).toBe(bytes.toString('hex'));
}

const initial = contextOf({ requestType: 1, requestNumber: 0 });
const event = contextOf({ requestType: 4, requestNumber: 0, multipleServices: false });
const octets = (amount: number) => ({ unit: 'octets', amount: amount as Amount }) as const;

/** Result-Code of each Multiple-Services-Credit-Control. */
function serviceCodes(answer: Buffer): (number | undefined)[] {
  return new WireMessage(answer).avps
    .filter((avp) => avp.code === 456)
    .map((avp) =>
      avpsOf(avp.data)
        .find(({ code }) => code === 268)
        ?.data.readUInt32BE(0),
    );
}

describe('a Credit-Control-Answer', () => {
  it('grants octets with their thresholds beside a service that is out of credit', () => {
    const granted = service({
      serviceIdentifiers: [1],
      granted: octets(5000),
      validitySeconds: 3600,
      quotaThreshold: 1000 as Amount,
      quotaHoldingSeconds: 600,
    });
    const refused = service({ ratingGroup: 12, result: 'credit-limit-reached' });
    expectVector('cca-granted', write(answered([granted, refused]), initial));
  });

  it('grants events with the threshold of units', () => {
    const granted = service({
      granted: { unit: 'events', amount: 20 as Amount },
      quotaThreshold: 5 as Amount,
    });
    const [mscc] = new WireMessage(write(answered([granted]))).avps.filter(
      ({ code }) => code === 456,
    );
    const parts = avpsOf(mscc?.data ?? Buffer.alloc(0));
    expect(parts.find(({ code }) => code === 1226)?.data.toString('hex')).toBe('00000005');
    expect(parts.find(({ code }) => code === 431)?.data.toString('hex')).toBe(
      '000001a1400000100000000000000014',
    );
  });

  it('names the moment at which the tariff changes', () => {
    const granted = service({
      granted: { unit: 'seconds', amount: 60 as Amount },
      validitySeconds: 60,
      quotaThreshold: 6 as Amount,
      tariffChangeAt: MIDDAY,
    });
    expectVector('cca-tariff-change', write(answered([granted])));
  });

  it('ends a service after its last units', () => {
    const last = service({
      granted: { unit: 'seconds', amount: 60 as Amount },
      finalUnit: { action: 'terminate' },
    });
    const [mscc] = new WireMessage(write(answered([last]))).avps.filter(({ code }) => code === 456);
    const indication = avpsOf(mscc?.data ?? Buffer.alloc(0)).find(({ code }) => code === 430);
    expect(indication?.data.toString('hex')).toBe('000001c14000000c00000000');
  });

  it('redirects after the last units', () => {
    const address = 'https://pay.example/';
    const last = service({
      granted: octets(1),
      finalUnit: { action: 'redirect', addressType: 'url', address },
    });
    expectVector('cca-final-redirect', write(answered([last])));
  });

  it('restricts where no units are left', () => {
    const restricted = service({
      result: 'credit-limit-reached',
      finalUnit: {
        action: 'restrict',
        filterRules: ['permit in ip from any to 192.0.2.1'],
        filterIds: ['top-up'],
      },
    });
    expectVector('cca-final-restrict', write(answered([restricted])));
  });

  it('redirects by the newer group where the gateway knows it', () => {
    const profile = { finalUnitIndication: 'qos' } as const;
    const groupOf = (finalUnit: FinalUnitAction) => {
      const answer = write(
        answered([service({ granted: octets(1), finalUnit })]),
        initial,
        profile,
      );
      const [mscc] = new WireMessage(answer).avps.filter(({ code }) => code === 456);
      const parts = avpsOf(mscc?.data ?? Buffer.alloc(0));
      const group = parts.find(({ code }) => code === 669 || code === 430);
      return [group?.code, group?.data.toString('hex')];
    };
    const redirect = { action: 'redirect', addressType: 'url', address: 'http://a/' } as const;
    // Final-Unit-Action 1; Redirect-Server-Extension with Redirect-Address-URL.
    expect(groupOf(redirect)).toEqual([
      669,
      '000001c14000000c00000001' + '000002990000001c' + '0000029b00000011687474703a2f2f612f000000',
    ]);
    expect(groupOf({ ...redirect, addressType: 'ipv4', address: '192.0.2.1' })).toEqual([
      669,
      '000001c14000000c00000001' + '0000029900000018' + '0000029a0000000e0001c00002010000',
    ]);
    expect(groupOf({ ...redirect, addressType: 'sip-uri', address: 'sip:a' })[1]).toContain(
      '0000029c',
    );
    expect(groupOf({ action: 'restrict', filterIds: ['ab'], filterRules: [] })).toEqual([
      669,
      '000001c14000000c00000002' + '0000000b4000000a61620000',
    ]);
    const rules = ['permit in ip from any to 192.0.2.1'];
    for (const finalUnit of [
      { action: 'terminate' },
      { action: 'restrict', filterIds: [], filterRules: rules },
      { ...redirect, addressType: 'ipv4', address: 'none' },
    ] as const) {
      expect(groupOf(finalUnit)[0]).toBe(430);
    }
  });

  it('links the grants of a pool, and tells silence that is no use', () => {
    const seconds = { unit: 'seconds', amount: 60 as Amount } as const;
    const parts = (one: ServiceOutcome) => {
      const [mscc] = new WireMessage(write(answered([one]))).avps.filter(
        ({ code }) => code === 456,
      );
      return avpsOf(mscc?.data ?? Buffer.alloc(0));
    };
    const pooled = parts(
      service({
        granted: seconds,
        quotaConsumptionSeconds: 15,
        pool: { id: 7, digits: 25, exponent: -2 },
      }),
    );
    // G-S-U-Pool-Identifier 7, CC-Unit-Type TIME, Unit-Value 25 x 10^-2.
    expect(pooled.find(({ code }) => code === 457)?.data.toString('hex')).toBe(
      '000001c54000000c00000007' +
        '000001c64000000c00000000' +
        '000001bd40000024' +
        '000001bf400000100000000000000019' +
        '000001ad4000000cfffffffe',
    );
    const consumption = pooled.find(({ code, vendor }) => code === 881 && vendor === 10415);
    expect(consumption?.data.readUInt32BE(0)).toBe(15);
    const whole = parts(service({ granted: octets(1), pool: { id: 7, digits: 1, exponent: 0 } }));
    expect(whole.find(({ code }) => code === 457)?.data.toString('hex')).toBe(
      '000001c54000000c00000007' +
        '000001c64000000c00000002' +
        '000001bd40000018' +
        '000001bf400000100000000000000001',
    );
    const without = parts(
      service({ result: 'credit-limit-reached', pool: { id: 7, digits: 1, exponent: 0 } }),
    );
    expect(without.map(({ code }) => code)).not.toContain(457);
  });

  it('answers in the command what was asked in the command, with its cost', () => {
    const granted = service({ granted: { unit: 'events', amount: 1 as Amount }, cost: TENTH });
    expectVector('cca-command-level', write(answered([granted], { lowBalance: true }), event));
  });

  it('says whether there is enough credit', () => {
    expectVector('cca-balance-check', write(answered([], { enoughCredit: true }), event));
  });

  it('refuses an unknown subscriber without the E bit', () => {
    const refused = { kind: 'refused', refusal: 'unknown-subscriber', detail: 'imsi 1' } as const;
    expectVector('cca-unknown-subscriber', write(refused, initial));
  });

  it('sends a gateway elsewhere with the E bit when the engine is full', () => {
    const refused = { kind: 'refused', refusal: 'overloaded', detail: '' } as const;
    expectVector('cca-too-busy', write(refused, initial));
  });

  it('says that credit is out for the whole command where the peer wants it there', () => {
    const out = service({ result: 'credit-limit-reached' });
    const whole = write(answered([out, out]), initial, { creditLimitAt: 'command' });
    expect(new WireMessage(whole).resultCode).toBe(4012);
    const part = write(answered([out, service()]), initial, { creditLimitAt: 'command' });
    expect(new WireMessage(part).resultCode).toBe(2001);
    expect(serviceCodes(part)).toEqual([4012, 2001]);
  });

  it.each([
    ['not-chargeable', 4011],
    ['service-denied', 4010],
    ['authorization-rejected', 5003],
    ['rating-failed', 5031],
  ] as const)('says of a service that is %s: %i', (result, code) => {
    expect(serviceCodes(write(answered([service({ result })]), initial))).toEqual([code]);
  });

  it.each([
    ['service-denied', 4010],
    ['authorization-rejected', 5003],
    ['rating-failed', 5031],
    ['unknown-session', 5002],
    ['session-closed', 5002],
  ] as const)('says of a request that is refused as %s: %i', (refusal, code) => {
    const answer = new WireMessage(write({ kind: 'refused', refusal, detail: '' }, initial));
    expect(answer.resultCode).toBe(code);
    expect(answer.flags & 0x20).toBe(0);
  });

  it('says 4012 beside a redirection where the peer wants it so', () => {
    const redirected = service({
      result: 'credit-limit-reached',
      finalUnit: { action: 'redirect', addressType: 'ipv4', address: '192.0.2.1' },
    });
    const profile = { finalUnitWithoutGrant: 'credit-limit-reached' } as const;
    expect(serviceCodes(write(answered([redirected]), initial))).toEqual([2001]);
    expect(serviceCodes(write(answered([redirected]), initial, profile))).toEqual([4012]);
  });

  it('never says a validity of zero, nor one above the cap of the peer', () => {
    const validity = (seconds: number, validityMaxSeconds: number | null) => {
      const answer = write(answered([service({ validitySeconds: seconds })]), event, {
        validityMaxSeconds,
      });
      return new WireMessage(answer).data(448)?.readUInt32BE(0);
    };
    expect(validity(0, null)).toBe(1);
    expect(validity(3600, 60)).toBe(60);
    expect(validity(30, 60)).toBe(30);
  });

  it('does not name back a rating group that the peer left out', () => {
    const context = contextOf({ impliedRatingGroup: 10 });
    const [mscc] = new WireMessage(write(answered([service()]), context)).avps.filter(
      (avp) => avp.code === 456,
    );
    expect(avpsOf(mscc?.data ?? Buffer.alloc(0)).map((avp) => avp.code)).toEqual([268]);
  });

  it('says nothing of services that an end only settled', () => {
    const end = contextOf({ requestType: 3 });
    expect(serviceCodes(write(answered([service({ result: 'settled' })]), end))).toEqual([]);
    expect(serviceCodes(write(answered([service({ result: 'rating-failed' })]), end))).toEqual([
      5031,
    ]);
  });

  it('gives back Proxy-Info and Route-Record as they came', () => {
    const repeated = [Buffer.from('0000011c40000008', 'hex')];
    const answer = write(answered([]), contextOf({ repeated }));
    expect(answer.subarray(-8)).toEqual(repeated[0]);
  });

  it('keeps the P bit of the request', () => {
    expect(new WireMessage(write(answered([]), contextOf({ flags: 0x80 }))).flags).toBe(0);
    expect(new WireMessage(write(answered([]), contextOf({ flags: 0xd0 }))).flags).toBe(0x40);
  });

  it('tells the failure handling of the profile', () => {
    const profile = {
      failureHandling: 'continue',
      directDebitingFailureHandling: 'terminate-or-buffer',
      sessionFailover: false,
    } as const;
    const message = new WireMessage(write(answered([]), initial, profile));
    expect(message.data(427)?.readUInt32BE(0)).toBe(1);
    expect(message.data(428)?.readUInt32BE(0)).toBe(0);
    expect(message.data(418)?.readUInt32BE(0)).toBe(0);
  });
});
