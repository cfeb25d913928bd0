import { afterEach, describe, expect, it } from 'vitest';
import { createDiameterClient } from '../../../src/diameter/client.js';
import { createDiameterSteering } from '../../../src/diameter/steering-sender.js';
import type { SteeringAttempt, SteeringSender } from '../../../src/domain/steering.js';
import { createLogger } from '../../../src/observability/logger.js';
import { GATEWAY, RELAY, startDiameterNode } from '../../support/diameter-node.js';

const HOST = GATEWAY.originHost ?? '';
const ATTEMPT: SteeringAttempt = {
  kind: 're-authorise',
  reason: 'credit',
  sessionId: `${HOST};1;2`,
  attempt: 1,
  route: {
    partition: 0,
    accountId: 'a',
    networkScope: 'visited',
    identity: { kind: 'imsi', value: '1' },
    protocol: 'gy',
    peer: GATEWAY.name,
    origin: { host: HOST, realm: GATEWAY.realm },
    serviceContext: '32251@3gpp.org',
  },
};

const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

/** A sender, and a gateway (or a relay) that answers with a code. */
async function start(resultCode: number, host = HOST): Promise<SteeringSender> {
  const { server, port } = await startDiameterNode({ realms: [GATEWAY.realm] });
  cleanUp.push(() => server.close());
  const client = createDiameterClient(
    { identity: { host, realm: GATEWAY.realm, originStateId: 0 }, host: '127.0.0.1', port },
    { logger: createLogger({ level: 'silent' }), serverRequest: () => resultCode },
  );
  cleanUp.push(() => client.close());
  await client.open();
  await expect.poll(() => server.connections().length).toBe(1);
  return createDiameterSteering(server);
}

describe('a request to steer a Gy session', () => {
  it.each([
    [2001, { outcome: 'accepted', detail: '2001' }],
    [2002, { outcome: 'accepted', detail: '2002' }],
    [5002, { outcome: 'unknown-session', detail: '5002' }],
    [5012, { outcome: 'refused', detail: '5012', again: false }],
    [3004, { outcome: 'refused', detail: '3004', again: true }],
    [4002, { outcome: 'refused', detail: '4002', again: true }],
  ])('that is answered %i is %o', async (resultCode, result) => {
    const sender = await start(resultCode);
    expect(await sender.send(ATTEMPT)).toEqual(result);
  });

  it('reaches the hosts of open connections, and what is behind declared peers', async () => {
    const sender = await start(2001, RELAY.originHost ?? '');
    expect(sender.reach()).toEqual([`host:${RELAY.originHost}`, 'relay:relay']);
    const behind = { ...ATTEMPT.route, peer: RELAY.name };
    expect(sender.ways(behind).some((way) => sender.reach().includes(way))).toBe(true);
    expect(sender.ways(ATTEMPT.route).some((way) => sender.reach().includes(way))).toBe(false);
    expect(await sender.send(ATTEMPT)).toEqual({ outcome: 'unreachable' });
  });
});
