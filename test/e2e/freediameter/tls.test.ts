import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { TRAFFIC } from '../../../src/cli/simulated-traffic.js';
import { createAuthority, type KeyAndCertificate } from '../../support/certificates.js';
import { startDaemon, TEST_REALM, type Daemon } from '../../support/daemon.js';
import { demoGateway, loadDemoOperator, proveAccounts } from '../../support/demo-installation.js';
import { startRelay, type Relay } from '../../support/freediameter.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';
import { makeScratchDirectory } from '../../support/scratch-directory.js';
import { findFreePort } from '../../../src/local/port-choice.js';

const redis = testRedis();
const database = testDatabase();
const servers = () => ({
  redisUrl: redis.url,
  keyPrefix: redis.prefix,
  postgresUrl: database.url,
});

const authority = createAuthority();
afterAll(() => authority.remove());
const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

const RELAY = 'relay.demo.internal';
const RELAY_TLS = { ...authority.issue([RELAY]), authority: authority.certificate };

/** The relay as the operator file declares it. */
function relayPeer(connect: string): string {
  return `  - name: relay
    originHost: ${RELAY}
    realm: demo.internal
    security: tls
${connect}`;
}

/** The files of a certificate, as settings. */
function tlsSettings({ key, certificate }: KeyAndCertificate): Record<string, string> {
  const directory = makeScratchDirectory('daemon-tls');
  const write = (name: string, text: string): string => {
    const file = path.join(directory, name);
    writeFileSync(file, text);
    return file;
  };
  return {
    keyFile: write('key.pem', key),
    certificateFile: write('certificate.pem', certificate),
    authoritiesFile: write('authorities.pem', authority.certificate),
  };
}

async function startSecureDaemon(): Promise<Daemon> {
  const name = 'secure';
  const certificate = authority.issue([`${name}.${TEST_REALM}`]);
  return startDaemon({ ...servers(), name, settings: { tls: tlsSettings(certificate) } });
}

async function chargeThrough(relay: Relay): Promise<void> {
  const gateway = demoGateway({
    nodes: [{ host: '127.0.0.1', port: relay.port }],
    seed: 11,
    traffic: [TRAFFIC.data, TRAFFIC.sms],
    sessions: 4,
  });
  const { statistics, tally } = await gateway.run();
  expect(statistics.unanswered).toBe(0);
  expect(statistics.malformed).toBe(0);
  await proveAccounts(servers(), tally);
}

describe('freeDiameter and the daemon over TLS', () => {
  it('charge a gateway where freeDiameter connects', async () => {
    await loadDemoOperator(servers(), relayPeer(''));
    const daemon = await startSecureDaemon();
    const relay = await startRelay({
      identity: RELAY,
      realm: 'demo.internal',
      servers: [
        {
          identity: daemon.diameterHost,
          realm: TEST_REALM,
          port: daemon.diameterTlsPort,
          tls: true,
        },
      ],
      clients: ['gateway.demo.internal'],
      tls: RELAY_TLS,
    });
    cleanUp.push(() => relay.stop());
    await chargeThrough(relay);
    await daemon.stop();
  });

  it('charge a gateway where the daemon connects, as soon as freeDiameter is there', async () => {
    const securePort = await findFreePort();
    const connect = `    connect: [{ host: 127.0.0.1, port: ${securePort} }]\n`;
    await loadDemoOperator(servers(), relayPeer(connect));
    const daemon = await startSecureDaemon();
    const relay = await startRelay({
      identity: RELAY,
      realm: 'demo.internal',
      servers: [],
      clients: ['gateway.demo.internal', daemon.diameterHost],
      tls: RELAY_TLS,
      securePort,
    });
    cleanUp.push(() => relay.stop());
    await expect
      .poll(() => daemon.log.some(({ msg }) => msg === 'peer connected'), { timeout: 20_000 })
      .toBe(true);
    await chargeThrough(relay);
    await daemon.stop();
  });
});
