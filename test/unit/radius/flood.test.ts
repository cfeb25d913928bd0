/** What a flooded packet costs: no decision, next to no arithmetic, and few words about it. */
import type * as Crypto from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { AccountingOutcome } from '../../../src/domain/access.js';
import { attributeValue } from '../../../src/radius/attribute.js';
import { AcctSessionId, AcctStatusType, UserName } from '../../../src/radius/generated/standard.js';
import { PACKET_CODES } from '../../../src/radius/packet-code.js';
import { SharedSecret } from '../../../src/radius/shared-secret.js';
import { buildRequest } from '../../support/radius-client.js';
import { testNas, TEST_SECRET } from '../../support/radius-front.js';
import { createTestPipeline } from '../../support/radius-pipeline.js';

const digests = vi.hoisted(() => ({ plain: 0, objects: 0 }));
vi.mock('node:crypto', async (importOriginal) => {
  const real = await importOriginal<typeof Crypto>();
  return {
    ...real,
    hash: (...parts: Parameters<typeof real.hash>) => {
      digests.plain += 1;
      return real.hash(...parts);
    },
    createHmac: (...parts: Parameters<typeof real.createHmac>) => {
      digests.objects += 1;
      return real.createHmac(...parts);
    },
  };
});

const PACKETS = 5_000;
const secret = new SharedSecret(TEST_SECRET);
const stranger = new SharedSecret('not the secret');
const start = [
  attributeValue(AcctStatusType, AcctStatusType.values.Start),
  attributeValue(AcctSessionId, Buffer.from('81000001')),
];
const forged = {
  report: buildRequest({ code: 'Accounting-Request', secret: stranger, attributes: start }).octets,
  signedReport: buildRequest({
    code: 'Accounting-Request',
    secret: stranger,
    attributes: start,
    messageAuthenticator: true,
  }).octets,
  login: buildRequest({
    code: 'Access-Request',
    secret: stranger,
    attributes: [attributeValue(UserName, 'anna')],
  }).octets,
  status: buildRequest({ code: 'Status-Server', secret: stranger }).octets,
};

const NAS = [testNas({ addresses: ['127.0.0.1'] })];

beforeEach(() => {
  digests.plain = 0;
  digests.objects = 0;
});

describe('a packet with a bad authenticator', () => {
  it.each([
    ['a report', forged.report, 1],
    ['a report with a Message-Authenticator', forged.signedReport, 1],
    // An HMAC is two digests.
    ['a login', forged.login, 2],
    ['a Status-Server', forged.status, 2],
  ])('costs one digest or HMAC, no decision, no answer: %s', (_name, octets, each) => {
    const front = createTestPipeline({ clients: NAS });
    for (let n = 0; n < PACKETS; n += 1) front.take(octets);
    expect(digests).toEqual({ plain: each * PACKETS, objects: 0 });
    expect([front.requests, front.reports, front.replies]).toEqual([[], [], []]);
    expect(front.lines).toHaveLength(1);
    expect(front.built.pending).toBe(0);
  });
});

describe('a packet of an unknown source', () => {
  it('costs nothing, and a line for no more than so many of all sources', async () => {
    const front = createTestPipeline({ clients: NAS });
    for (let n = 0; n < PACKETS; n += 1) {
      front.take(forged.report, { address: `10.0.${n >> 8}.${n & 255}` });
    }
    expect(digests).toEqual({ plain: 0, objects: 0 });
    expect(front.lines.length).toBeLessThanOrEqual(2 * 1_024);
    const series = (await front.metrics.exposition())
      .split('\n')
      .filter((line) => line.startsWith('tolld_radius_dropped_total{'));
    expect(series).toEqual([`tolld_radius_dropped_total{reason="unknown-client"} ${PACKETS}`]);
  });
});

describe('one identifier over and over', () => {
  const report = (n: number): Buffer =>
    buildRequest({
      code: 'Accounting-Request',
      secret,
      attributes: [...start, attributeValue(UserName, `anna ${n}`)],
    }).octets;

  it('with the same octets is recorded once, and answered with the same octets', async () => {
    const front = createTestPipeline({ clients: NAS });
    front.take(report(0), { source: 'one' });
    await front.built.idle();
    for (let n = 1; n < PACKETS; n += 1) front.take(report(0), { source: 'one' });
    expect(front.reports).toHaveLength(1);
    expect(new Set(front.replies.map((octets) => octets.toString('hex'))).size).toBe(1);
    expect(front.replies).toHaveLength(PACKETS);
  });

  it('with other octets each time begins no more than its NAS has room for', async () => {
    const waiting: ((outcome: AccountingOutcome) => void)[] = [];
    const room = 100;
    const front = createTestPipeline({
      clients: [...NAS, testNas({ name: 'bng-2', addresses: ['127.0.0.2'] })],
      limits: { pendingPerClientMax: room },
      accounting: () => new Promise((resolve) => waiting.push(resolve)),
    });
    for (let n = 0; n < 10 * room; n += 1) front.take(report(n), { source: 'one' });
    expect(front.reports).toHaveLength(room);
    // Another NAS has the room of its own.
    front.take(report(0), { address: '127.0.0.2', source: 'two' });
    expect(front.reports).toHaveLength(room + 1);
    for (const answer of waiting) answer({ kind: 'recorded' });
    await front.built.idle();
    expect(front.replies.map(([code]) => code)).toEqual([
      PACKET_CODES['Accounting-Response'],
      PACKET_CODES['Accounting-Response'],
    ]);
  });
});
