import { afterEach, describe, expect, it } from 'vitest';
import { TRAFFIC } from '../../../src/cli/simulated-traffic.js';
import { startDaemon, TEST_REALM, untilSiblings } from '../../support/daemon.js';
import { demoGateway, loadDemoOperator, proveAccounts } from '../../support/demo-installation.js';
import { startRelay } from '../../support/freediameter.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';
import { startCapture } from '../../support/tshark.js';

const redis = testRedis();
const database = testDatabase();
const servers = () => ({
  redisUrl: redis.url,
  keyPrefix: redis.prefix,
  postgresUrl: database.url,
});

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

const RELAY_PEER = `  - name: relay
    originHost: relay.demo.internal
    realm: demo.internal
`;

describe('a gateway behind a freeDiameter relay', () => {
  it('is charged by two daemons, and tshark finds every message well formed', async () => {
    await loadDemoOperator(servers(), RELAY_PEER);
    const daemons = await Promise.all([startDaemon(servers()), startDaemon(servers())]);
    await untilSiblings(daemons);
    const ports = daemons.map(({ diameterPort }) => diameterPort);
    const relay = await startRelay({
      identity: 'relay.demo.internal',
      realm: 'demo.internal',
      servers: daemons.map(({ diameterHost: identity, diameterPort: port }) => ({
        identity,
        realm: TEST_REALM,
        port,
      })),
      clients: ['gateway.demo.internal'],
    });
    cleanUp.push(() => relay.stop());
    const capture = await startCapture([...ports, relay.port]);
    const gateway = demoGateway({
      nodes: [{ host: '127.0.0.1', port: relay.port }],
      seed: 7,
      traffic: [TRAFFIC.data, TRAFFIC.voice, TRAFFIC.sms],
      sessions: 15,
      retransmitShare: 0.2,
    });
    const { statistics, tally } = await gateway.run();
    const report = await capture.stop();

    expect(statistics.unanswered).toBe(0);
    expect(statistics.malformed).toBe(0);
    expect(statistics.repeatMismatches).toBe(0);
    expect(report.complaints).toEqual([]);
    const named = report.messages.filter(({ command }) => command === 'Credit-Control');
    // Each request and each answer passes twice: before the relay and behind it.
    expect(named.length).toBeGreaterThanOrEqual(4 * statistics.answers);
    const others = new Set(report.messages.map(({ command }) => command));
    others.delete('Credit-Control');
    for (const command of others) {
      expect(['Capabilities-Exchange', 'Device-Watchdog', 'Disconnect-Peer']).toContain(command);
    }
    await proveAccounts(servers(), tally);
  });
});
