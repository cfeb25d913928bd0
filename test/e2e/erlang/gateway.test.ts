import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDaemon, TEST_REALM, type Daemon } from '../../support/daemon.js';
import { loadDemoOperator, proveAccounts } from '../../support/demo-installation.js';
import {
  startErlangGateway,
  type AvpMap,
  type ErlangGateway,
} from '../../support/erlang-gateway.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';
import { startCapture, type Capture } from '../../support/tshark.js';

const redis = testRedis();
const database = testDatabase();
const servers = () => ({
  redisUrl: redis.url,
  keyPrefix: redis.prefix,
  postgresUrl: database.url,
});

const HOST = 'erlang.demo.internal';
const REALM = 'demo.internal';
const PEER = `  - name: erlang
    originHost: ${HOST}
    realm: ${REALM}
`;
const BOB = { msisdn: '491700000002', imsi: '262420000000002' };
const [INITIAL, UPDATE, TERMINATION, EVENT] = [1, 2, 3, 4];
const DATA = '32251@3gpp.org';
const SMS = '32274@3gpp.org';
const DEVICE_WATCHDOG = 280;
const [E164, IMSI] = [0, 1];
const SESSION = `${HOST};1;1`;

let daemon: Daemon;
let gateway: ErlangGateway;
let capture: Capture;

beforeAll(async () => {
  await loadDemoOperator(servers(), PEER);
  daemon = await startDaemon(servers());
  capture = await startCapture([daemon.diameterPort]);
  gateway = await startErlangGateway({ host: HOST, realm: REALM });
}, 60_000);

afterAll(async () => {
  await gateway.stop();
  await daemon.stop();
});

function request(more: AvpMap): AvpMap {
  return {
    'Session-Id': SESSION,
    'Destination-Realm': TEST_REALM,
    'Auth-Application-Id': 4,
    'Service-Context-Id': DATA,
    'Subscription-Id': [
      { 'Subscription-Id-Type': E164, 'Subscription-Id-Data': BOB.msisdn },
      { 'Subscription-Id-Type': IMSI, 'Subscription-Id-Data': BOB.imsi },
    ],
    'Origin-Host': HOST,
    'Origin-Realm': REALM,
    ...more,
  };
}

function event(number: number, action: number, context: string, more: AvpMap = {}): AvpMap {
  return request({
    'Session-Id': `${HOST};2;${number}`,
    'CC-Request-Type': EVENT,
    'CC-Request-Number': 0,
    'Service-Context-Id': context,
    'Requested-Action': action,
    ...more,
  });
}

const service = (more: AvpMap): AvpMap => ({ 'Rating-Group': 1, ...more });

describe("Erlang's Diameter application as the gateway", () => {
  it('is admitted', async () => {
    expect(await gateway.connect(daemon.diameterPort)).toBe(true);
  });

  it('charges a session in several requests, and gets the same answer to one sent twice', async () => {
    const initial = await gateway.call(
      'initial',
      request({
        'CC-Request-Type': INITIAL,
        'CC-Request-Number': 0,
        'Multiple-Services-Indicator': 1,
        'Multiple-Services-Credit-Control': [service({ 'Requested-Service-Unit': [{}] })],
      }),
    );
    expect(initial.errors).toBe(0);
    expect(initial.answer).toMatchObject({
      'Result-Code': 2001,
      'CC-Request-Type': INITIAL,
      'Multiple-Services-Credit-Control': [
        {
          'Rating-Group': [1],
          'Result-Code': [2001],
          'Granted-Service-Unit': [{ 'CC-Total-Octets': [10_000_000] }],
          'Validity-Time': [600],
        },
      ],
    });
    const update = request({
      'CC-Request-Type': UPDATE,
      'CC-Request-Number': 1,
      'Multiple-Services-Credit-Control': [
        service({
          'Requested-Service-Unit': [{ 'CC-Total-Octets': 2_000_000 }],
          'Used-Service-Unit': [{ 'CC-Total-Octets': 4_200_000 }],
        }),
      ],
    });
    const first = await gateway.call('update', update);
    expect(first.errors).toBe(0);
    expect(first.answer).toMatchObject({ 'Result-Code': 2001 });
    const again = await gateway.call('update', update);
    expect(again.answer).toEqual(first.answer);
    const last = await gateway.call(
      'termination',
      request({
        'CC-Request-Type': TERMINATION,
        'CC-Request-Number': 2,
        'Multiple-Services-Credit-Control': [
          service({ 'Used-Service-Unit': [{ 'CC-Total-Octets': 1_000_000 }] }),
        ],
      }),
    );
    expect(last.errors).toBe(0);
    expect(last.answer).toMatchObject({ 'Result-Code': 2001, 'CC-Request-Number': 2 });
  });

  it('takes a text message, asks for its price, and whether there is enough', async () => {
    const units = { 'Requested-Service-Unit': [{ 'CC-Service-Specific-Units': 1 }] };
    const price = await gateway.call('price', event(1, 3, SMS, units));
    expect(price.errors).toBe(0);
    expect(price.answer).toMatchObject({
      'Result-Code': 2001,
      'Cost-Information': [{ 'Unit-Value': { 'Value-Digits': 70_000, Exponent: [-6] } }],
    });
    const balance = await gateway.call('balance', event(2, 2, SMS, units));
    expect(balance.answer).toMatchObject({ 'Result-Code': 2001, 'Check-Balance-Result': [0] });
    const debit = await gateway.call('debit', event(3, 0, SMS, units));
    expect(debit.answer).toMatchObject({ 'Result-Code': 2001 });
    const again = await gateway.call('debit', event(3, 0, SMS, units));
    expect(again.answer).toEqual(debit.answer);
  });

  it('is told of a subscriber that nobody knows', async () => {
    const { answer, errors } = await gateway.call(
      'unknown',
      event(4, 0, SMS, {
        'Subscription-Id': [{ 'Subscription-Id-Type': E164, 'Subscription-Id-Data': '49999' }],
      }),
    );
    expect(errors).toBe(0);
    expect(answer).toMatchObject({ 'Result-Code': 5030 });
  });

  it('keeps its watchdog content', async () => {
    await expect
      .poll(() => gateway.count(DEVICE_WATCHDOG, 'recv'), { timeout: 20_000, interval: 500 })
      .toBeGreaterThan(0);
  }, 25_000);

  it('was charged to the unit, in messages that tshark finds well formed', async () => {
    const octets = { ratingGroup: 1, unit: 'octets', used: 5_200_000n, cost: 52_000n } as const;
    await proveAccounts(servers(), [
      { sessionId: SESSION, imsi: BOB.imsi, certain: true, services: [octets] },
      {
        sessionId: `${HOST};2;3`,
        imsi: BOB.imsi,
        certain: true,
        services: [{ ratingGroup: null, unit: 'events', used: 1n, cost: 70_000n }],
      },
    ]);
    const { complaints, messages } = await capture.stop();
    expect(complaints).toEqual([]);
    const kinds = new Set(messages.map(({ command }) => command));
    expect(kinds).toEqual(new Set(['Capabilities-Exchange', 'Credit-Control', 'Device-Watchdog']));
  });
});
