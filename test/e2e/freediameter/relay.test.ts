import { afterEach, describe, expect, it } from 'vitest';
import { createGySimulator } from '../../../src/local/gy-simulator/simulator.js';
import { DATA_TRAFFIC } from '../../../src/local/gy-simulator/traffic.js';
import { createLogger } from '../../../src/observability/logger.js';
import { startDiameterNode } from '../../support/diameter-node.js';
import { startRelay } from '../../support/freediameter.js';
import { startCapture } from '../../support/tshark.js';

const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

const RELAY = {
  name: 'relay',
  originHost: 'relay.visited.example',
  realm: 'visited.example',
  networkScope: 'visited',
};

describe('a freeDiameter relay between a gateway and the node', () => {
  it('carries every kind of request, and tshark finds every message well formed', async () => {
    const node = await startDiameterNode({ peers: [RELAY] });
    cleanUp.push(() => node.server.close());
    const relay = await startRelay({
      identity: RELAY.originHost,
      realm: RELAY.realm,
      servers: [{ identity: 'tolld-1.ocs.example', realm: 'ocs.example', port: node.port }],
      clients: ['pgw.sim.example'],
    });
    cleanUp.push(() => relay.stop());
    const capture = await startCapture([node.port, relay.port]);
    const simulator = createGySimulator(
      {
        nodes: [{ host: '127.0.0.1', port: relay.port }],
        originHost: 'pgw.sim.example',
        originRealm: 'sim.example',
        destinationRealm: 'ocs.example',
        subscribers: [{ imsi: '262011234567890', msisdn: '491701234567' }],
        traffic: [
          DATA_TRAFFIC,
          { kind: 'sms', weight: 1, calledParty: '491709999999' },
          {
            kind: 'voice',
            weight: 1,
            calledParty: '442079460018',
            updates: { min: 1, max: 2 },
            services: [
              { ratingGroup: 1, unit: 'seconds', usePerStep: { min: 1, max: 60 }, requested: 60 },
            ],
          },
        ],
        sessions: 12,
        concurrent: 4,
        retransmitShare: 0.2,
        seed: 3,
      },
      { logger: createLogger({ level: 'silent' }) },
    );
    const { statistics } = await simulator.run();
    const report = await capture.stop();

    expect(statistics.results).toEqual({ '2001': statistics.requests });
    expect(statistics.malformed).toBe(0);
    expect(statistics.repeatMismatches).toBe(0);
    expect(new Set(node.requests.map(({ phase }) => phase))).toEqual(
      new Set(['initial', 'update', 'terminate', 'event']),
    );
    expect(new Set(node.requests.map(({ peer }) => peer))).toEqual(new Set(['relay']));
    expect(new Set(node.requests.map(({ origin }) => origin.host))).toEqual(
      new Set(['pgw.sim.example']),
    );

    expect(report.complaints).toEqual([]);
    const named = (command: string, request: boolean): number =>
      report.messages.filter((one) => one.command === command && one.request === request).length;
    // Each request is seen before the relay and behind it.
    const sent = statistics.requests + statistics.retransmitted;
    expect(named('Credit-Control', true)).toBe(sent * 2);
    expect(named('Credit-Control', false)).toBe(sent * 2);
    expect(named('Capabilities-Exchange', true)).toBe(1);
    expect(named('Disconnect-Peer', true)).toBe(1);
  });
});
