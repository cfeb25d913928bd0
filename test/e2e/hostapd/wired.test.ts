/** hostapd and wpa_supplicant over a cable: EAP, reports and a disconnect with a NAS we didn't write. */
import { afterEach, describe, expect, it } from 'vitest';
import type { SessionPointer } from '../../../src/domain/access.js';
import { toAmount } from '../../../src/domain/amounts.js';
import { createMetrics } from '../../../src/observability/metrics.js';
import { createDynamicAuthorizationClient } from '../../../src/radius/dynamic-authorization/client.js';
import { collectingLogger } from '../../support/collecting-logger.js';
import { findFreeUdpPort } from '../../support/free-udp-port.js';
import { hostapdObstacle, startWiredPort } from '../../support/hostapd.js';
import { startRadiusFront, testNas } from '../../support/radius-front.js';

const SECRET = 'the secret of the switch';
const SESSION = { partition: 1, accountId: 'acc-1', nonce: '0011223344556677' };
const TERMS = { sessionSecondsMax: 3_600, interimSeconds: 60, totalOctetsMax: toAmount(10 ** 9) };
const obstacle = hostapdObstacle();
if (obstacle !== null) process.stderr.write(`skipped: hostapd as a NAS, since ${obstacle}\n`);

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start() {
  const steeringPort = await findFreeUdpPort();
  const nas = testNas({
    name: 'switch-1',
    nasIdentifier: 'switch-1',
    vendor: 'generic',
    secrets: [SECRET],
    messageAuthenticator: 'require',
    dynamicAuthorization: { address: '127.0.0.1', port: steeringPort },
  });
  const front = await startRadiusFront(
    { clients: [nas] },
    {
      access: async ({ proof, step }) => {
        const result = await proof.verify({ kind: 'clear', password: 'sekrit' });
        if (result !== 'proven') {
          return { kind: 'rejected', reason: 'wrong-password', message: 'Wrong.' };
        }
        return step === 'prove'
          ? { kind: 'proven' }
          : { kind: 'accepted', session: SESSION, terms: TERMS, message: null };
      },
    },
  );
  cleanups.push(() => front.server.close());
  const metrics = createMetrics({ processMetrics: false });
  const client = createDynamicAuthorizationClient(
    { clients: [nas] },
    { logger: collectingLogger().logger, metrics },
  );
  cleanups.push(() => client.close());
  const port = await startWiredPort({
    authenticationPort: front.authentication.port,
    accountingPort: front.accounting.port,
    secret: SECRET,
    nasIdentifier: 'switch-1',
    steeringPort,
  });
  cleanups.push(() => port.stop());
  /** The session's report of a status, once it is there. */
  const reported = (status: 'start' | 'stop') =>
    expect
      .poll(
        () => front.reports.find((one) => one.kind === 'session' && one.status === status) ?? null,
        { timeout: 20_000 },
      )
      .toMatchObject({ kind: 'session', nas: 'switch-1', handle: SESSION, status });
  return { front, client, port, reported };
}

describe.skipIf(obstacle !== null)('a wired port of hostapd', () => {
  it.each(['MD5', 'MSCHAPV2'] as const)(
    'lets a station in by EAP-%s, and reports its session',
    async (method) => {
      const { front, port, reported } = await start();
      const station = await port.connect(
        { method, identity: 'alice', password: 'sekrit' },
        'SUCCESS',
      );
      cleanups.push(() => station.stop());
      await reported('start');
      expect(front.requests.at(-1)).toMatchObject({ nas: 'switch-1', connection: 'dot1x' });
      await station.stop();
      // What a pulled cable tells it is nothing: the session ends with the port, at the latest.
      await port.stop();
      await reported('stop');
      expect(await front.dropped('bad-authenticator')).toBe(0);
    },
  );

  it('lets nobody in with the wrong password', async () => {
    const { port, front } = await start();
    const wrong = { method: 'MSCHAPV2', identity: 'alice', password: 'wrong' } as const;
    const station = await port.connect(wrong, 'FAILURE');
    cleanups.push(() => station.stop());
    expect(front.reports.filter(({ kind }) => kind === 'session')).toEqual([]);
  });

  it('ends a session when it is told to', async () => {
    const { front, client, port, reported } = await start();
    const station = await port.connect(
      { method: 'MD5', identity: 'alice', password: 'sekrit' },
      'SUCCESS',
    );
    cleanups.push(() => station.stop());
    await reported('start');
    const started = front.reports.find((one) => one.kind === 'session');
    if (started?.kind !== 'session') throw new Error('no session');
    const pointer: SessionPointer = {
      ...{ nas: started.nas, sessionKey: started.sessionKey, userName: 'alice', address: null },
      ...{ station: started.station, connection: 'dot1x' },
    };
    expect(await client.steer(pointer, { kind: 'disconnect' })).toEqual({
      kind: 'acknowledged',
      unchanged: [],
    });
    await reported('stop');
    const other = { ...pointer, sessionKey: 'radius:switch-1:0000000000000000' };
    expect(await client.steer(other, { kind: 'disconnect' })).toMatchObject({
      kind: 'refused',
      sessionGone: true,
    });
  });
});
