/** A hotspot's sessions steered through the queue, the real client and a socket that answers for it. */
import { createSocket, type Socket } from 'node:dgram';
import { afterEach, expect, test } from 'vitest';
import type { Engine } from '../../../src/charging/engine.js';
import { readTrackedSession } from '../../../src/charging/network-sessions.js';
import { creditAccount } from '../../../src/charging/provisioning.js';
import type { AccessControl } from '../../../src/credit-control/access/access-control.js';
import { createAccessSteering } from '../../../src/credit-control/access/steering-sender.js';
import { createCatalogHolder } from '../../../src/credit-control/catalog-holder.js';
import { CAP_PERIODS } from '../../../src/domain/access-plan.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { attributeValue } from '../../../src/radius/attribute.js';
import { encodeReply, verifyRequestAuthenticator } from '../../../src/radius/authenticator.js';
import { createDynamicAuthorizationClient } from '../../../src/radius/dynamic-authorization/client.js';
import { MikrotikRateLimit, MikrotikXmitLimit } from '../../../src/radius/generated/mikrotik.js';
import { ErrorCause, MessageAuthenticator } from '../../../src/radius/generated/standard.js';
import { packetCodeName } from '../../../src/radius/packet-code.js';
import { decodePacket } from '../../../src/radius/packet.js';
import { SharedSecret } from '../../../src/radius/shared-secret.js';
import { createSteeringDispatcher } from '../../../src/steering/dispatcher.js';
import { stamp } from '../../support/charge-requests.js';
import { silentLogger, testEngines } from '../../support/charging-engine.js';
import { HOME, ispProcess, login, openIsp, openSubscriber, report } from '../../support/isp.js';
import { TEST_SECRET, testNas } from '../../support/radius-front.js';

const engines = testEngines();
const secret = new SharedSecret(TEST_SECRET);
const WORN = { uploadBitsPerSecond: 1_000_000, downloadBitsPerSecond: 2_000_000 };
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A router: answers each request with yes, or with an Error-Cause that is due. */
async function openRouter() {
  const socket: Socket = createSocket('udp4');
  const heard: string[] = [];
  const refusals: number[] = [];
  socket.on('message', (octets, remote) => {
    const result = decodePacket(octets);
    if (!result.ok || !verifyRequestAuthenticator(result.packet, secret)) return;
    const { packet } = result;
    const limit = packet.get(MikrotikXmitLimit);
    const rate = packet.get(MikrotikRateLimit);
    const said = [packetCodeName(packet.code), rate, limit].filter((word) => word !== undefined);
    heard.push(said.join(' '));
    const cause = refusals.shift();
    const reply = encodeReply({
      code: packet.code + (cause === undefined ? 1 : 2),
      request: packet,
      attributes: cause === undefined ? [] : [attributeValue(ErrorCause, cause)],
      secret,
      messageAuthenticator: packet.has(MessageAuthenticator),
    });
    socket.send(reply, remote.port, remote.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  cleanups.push(() => new Promise((resolve) => socket.close(() => resolve())));
  return { port: socket.address().port, heard, refusals };
}

async function steering(
  engine: Engine,
  isp: AccessControl,
  port: number,
): Promise<() => Promise<void>> {
  const catalog = createCatalogHolder({ engine, logger: silentLogger });
  await catalog.refresh();
  const metrics = createMetrics({ processMetrics: false });
  const nas = testNas({ name: 'bng', dynamicAuthorization: { address: '127.0.0.1', port } });
  const client = createDynamicAuthorizationClient(
    { clients: [nas] },
    { logger: silentLogger, metrics },
  );
  cleanups.push(() => client.close());
  const sender = createAccessSteering({
    ...{ engine, catalog, clock: Date.now },
    steer: (session, order) => client.steer(session, order),
    reaches: (name) => client.reaches(name),
    end: (partition, sessionId) => isp.end(partition, sessionId, 'unknown-to-nas'),
  });
  const times = { intervalMs: 1_000, leaseMs: 60_000, retryMs: 1_000, retryMaxMs: 1_000 };
  const dispatcher = createSteeringDispatcher(
    { ...times, node: 'test', partitions: 1, attemptsMax: 3, inFlightMax: 10 },
    {
      engine,
      senders: { radius: sender },
      liveSessions: async () => ({ sequence: 1_000, sessionIds: [] }),
      ...{ logger: silentLogger, metrics, clock: Date.now },
    },
  );
  return () => dispatcher.runOnce();
}

test.each(
  CAP_PERIODS.flatMap((period) => [
    { period, words: 'is slower by CoA, and told wider limits', refused: false },
    { period, words: 'logs in again where its router refuses', refused: true },
  ]),
)('a hotspot session past its fair use of a $period $words', async ({ period, refused }) => {
  const engine = await engines.fresh();
  const router = await openRouter();
  const fairUse = [
    { id: 'one', period, counts: 'download', octets: toAmount(1_000), speed: WORN },
  ] as const;
  const charges = { volume: 'download', time: false } as const;
  const dynamicAuthorization = { address: '127.0.0.1', port: router.port };
  const nas = { name: 'bng', networkScope: 'isp', addresses: [], secrets: [] } as const;
  await openIsp(engine, {
    plans: [{ ...HOME, sessionsMax: 1, charges, fairUse }],
    nas: [{ ...nas, vendor: 'mikrotik', dynamicAuthorization }],
  });
  await openSubscriber(engine, { octets: 1_000_000 });
  const isp = await ispProcess(engine);
  const dispatch = await steering(engine, isp, router.port);
  const decision = await isp.access(login({ connection: 'hotspot' }));
  if (decision.kind !== 'accepted') throw new Error(JSON.stringify(decision));
  const at = Date.now();
  const say = async (status: 'start' | 'interim', octets: number): Promise<void> => {
    await isp.accounting(
      report({
        ...{ status, handle: decision.session, connection: null },
        counters: { uploadOctets: toAmount(0), downloadOctets: toAmount(octets), width: 64 },
        sessionSeconds: octets,
        eventAt: at + octets * 1000,
      }),
    );
  };
  await say('start', 0);
  // Its accounting says nothing of the kind of connection; its login did.
  const id = `radius:${decision.session.nonce}`;
  const tracked = await readTrackedSession(engine, 0, id);
  expect(tracked?.network?.pointer.connection).toBe('hotspot');
  if (refused) router.refusals.push(ErrorCause.values['Unsupported-Attribute']);
  await say('interim', 1_000);
  await dispatch();
  if (refused) {
    expect(router.heard).toEqual(['CoA-Request 1M/2M', 'Disconnect-Request']);
    return;
  }
  expect(router.heard).toEqual(['CoA-Request 1M/2M']);
  await creditAccount(engine, {
    ...{ partition: 0, accountId: 'anna', stamp },
    ...{ intentNumber: 2, intentId: 'top-up', kind: 'top-up', reason: null },
    operations: [{ operation: 'add', bucketId: 'anna-octets', amount: toAmount(500) }],
  });
  await dispatch();
  expect(router.heard.slice(1)).toEqual(['CoA-Request 1000500']);
});
