import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findLiveSessions } from '../../../src/records/open-sessions.js';
import { readSteering, type SteeringRecord } from '../../../src/records/steering-attempts.js';
import { runTolld, startDaemon, TEST_REALM, type Daemon } from '../../support/daemon.js';
import { readVector } from '../../support/diameter-vectors.js';
import { WirePeer } from '../../support/diameter-wire.js';
import { startRelay } from '../../support/freediameter.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';
import { makeScratchDirectory } from '../../support/scratch-directory.js';
import { createSteeredGateway, type SteeredGateway } from '../../support/steered-gateway.js';

const redis = testRedis();
const database = testDatabase();
const servers = () => ({
  redisUrl: redis.url,
  keyPrefix: redis.prefix,
  postgresUrl: database.url,
});

/** A subscriber each, so that no test meets the sessions of another. */
const NAMES = [
  'credited',
  'restarted',
  'suspended',
  'mute',
  'unable',
  'relayed',
  'repriced',
] as const;
type Name = (typeof NAMES)[number];

interface Account {
  readonly topUps: number;
  readonly standing: 'active' | 'suspended';
}
const accounts = new Map<Name, Account>(
  NAMES.map((name) => [name, { topUps: 0, standing: 'active' }]),
);

const imsiOf = (name: Name): string => `26242000000010${NAMES.indexOf(name)}`;

/** Of a tariff that only one account has. */
let price = '1';

/** One octet costs a millionth of a euro; every grant takes all there is. */
function operatorFile(): string {
  const accountLines = [...accounts].map(([name, { topUps, standing }]) => {
    const more = Array.from(
      { length: topUps },
      (_, at) => `, { id: ${name}-more-${at}, resource: EUR, amount: '5.00' }`,
    ).join('');
    return `
      - id: ${name}
        tariff: ${name === 'repriced' ? 'moving' : 'flat'}
        standing: ${standing}
        buckets: [{ id: ${name}-main, resource: EUR, amount: '1.00' }${more}]`;
  });
  const subscriberLines = NAMES.map(
    (name) => `
      - id: ${name}
        account: ${name}
        identities: [{ kind: imsi, value: '${imsiOf(name)}' }]`,
  );
  return `
version: 1
tenants:
  - code: steered
    resources: [{ code: EUR }]
    tariffs:
      - code: flat
        currency: EUR
        flatRates: [{ id: all, unit: octets, price: { amount: '1', per: 1 MB } }]
        quotas: [{ unit: octets, default: 10 MB, maximum: 10 MB, minimum: 1, sharePercent: 100 }]
      - code: moving
        currency: EUR
        flatRates: [{ id: all, unit: octets, price: { amount: '${price}', per: 1 MB } }]
        quotas: [{ unit: octets, default: 10 MB, maximum: 10 MB, minimum: 1, sharePercent: 100 }]
    accounts: ${accountLines.join('')}
    subscribers: ${subscriberLines.join('')}
diameterPeers:
  - { name: gateways, realm: gateways.example }
  - { name: mute, originHost: pgw1.visited.example, realm: visited.example }
  - { name: unable, realm: unable.example, profile: { reAuthorisation: false } }
  - { name: relay, originHost: relay.transit.example, realm: transit.example }
`;
}

async function load(): Promise<void> {
  const file = path.join(makeScratchDirectory('steered'), 'operator.yaml');
  writeFileSync(file, operatorFile());
  const { exitCode, stderr } = await runTolld(['load', file], {
    environment: {
      TOLLD_REDIS_URL: redis.url,
      TOLLD_REDIS_KEY_PREFIX: redis.prefix,
      TOLLD_POSTGRES_URL: database.url,
      TOLLD_ENGINE_PARTITIONS: '8',
    },
  });
  if (exitCode !== 0) throw new Error(`tolld load failed: ${stderr}`);
}

function change(name: Name, to: Partial<Account>): Promise<void> {
  accounts.set(name, { topUps: 0, standing: 'active', ...accounts.get(name), ...to });
  return load();
}

const SETTINGS = {
  steering: { intervalMs: 100, retryMs: 100, retryMaxMs: 500, attemptsMax: 100 },
  diameter: { answerTimeoutMs: 1_000 },
};
const POLL = { timeout: 15_000, interval: 50 };

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

async function gatewayOf(
  name: Name,
  port: number,
  { host = `${name}.gateways.example`, realm = 'gateways.example' } = {},
): Promise<SteeredGateway> {
  const answers = { 're-auth': 2002, 'abort-session': 2001 };
  const gateway = createSteeredGateway({ host, realm, imsi: imsiOf(name), answers });
  cleanUp.push(() => gateway.close());
  await gateway.connect(port);
  const first = await gateway.ask('initial', { requested: 10_000_000 });
  expect(first.services).toMatchObject([
    { resultCode: 2001, granted: { amount: 1_000_000 }, finalUnit: 'terminate' },
  ]);
  return gateway;
}

async function outcomesOf(name: Name, sessionId: string): Promise<readonly SteeringRecord[]> {
  const query = { tenant: 'steered', accountId: name, sessionId, countMax: 100 };
  return (await readSteering(database.pool, query)).toReversed();
}

let near: Daemon;
let far: Daemon;
beforeAll(async () => {
  await load();
  [near, far] = await Promise.all([
    startDaemon({ ...servers(), settings: SETTINGS }),
    startDaemon({ ...servers(), settings: SETTINGS }),
  ]);
});

describe('a session that got its last units', () => {
  it('asks again after a credit of a process without fronts, once', async () => {
    const gateway = await gatewayOf('credited', near.diameterPort);
    await change('credited', { topUps: 1 });
    await expect.poll(() => gateway.asked, POLL).toEqual(['re-auth']);
    const answer = await gateway.ask('update', { used: 1_000_000, requested: 2_000_000 });
    expect(answer.services).toMatchObject([
      { resultCode: 2001, granted: { amount: 2_000_000 }, finalUnit: null },
    ]);
    await expect
      .poll(() => outcomesOf('credited', gateway.sessionId), POLL)
      .toMatchObject([
        {
          kind: 're-authorise',
          reason: 'credit',
          outcome: 'accepted',
          detail: '2002',
          final: true,
        },
      ]);
    await gateway.ask('terminate', { used: 2_000_000 });
    expect(gateway.asked).toHaveLength(1);
  });

  it('asks again though its node was down when the credit came', async () => {
    const gateway = await gatewayOf('restarted', far.diameterPort);
    const { name } = far;
    await far.kill();
    await change('restarted', { topUps: 1 });
    await expect
      .poll(() => outcomesOf('restarted', gateway.sessionId), POLL)
      .toContainEqual(expect.objectContaining({ outcome: 'unreachable', final: false }));
    far = await startDaemon({ ...servers(), name, settings: SETTINGS });
    await gateway.connect(far.diameterPort);
    await expect.poll(() => gateway.asked, POLL).toEqual(['re-auth']);
    const answer = await gateway.ask('update', { used: 1_000_000, requested: 2_000_000 });
    expect(answer.services).toMatchObject([{ granted: { amount: 2_000_000 } }]);
    await expect
      .poll(async () => (await outcomesOf('restarted', gateway.sessionId)).at(-1), POLL)
      .toMatchObject({ outcome: 'accepted', detail: '2002' });
  });

  it('is left alone where the profile of its peer says that it would not act', async () => {
    const realm = 'unable.example';
    const gateway = await gatewayOf('unable', near.diameterPort, { host: `pgw.${realm}`, realm });
    await change('unable', { topUps: 1 });
    await expect
      .poll(() => outcomesOf('unable', gateway.sessionId), POLL)
      .toMatchObject([{ outcome: 'not-supported', final: true }]);
    expect(gateway.asked).toEqual([]);
  });
});

describe('a session of an account that is suspended', () => {
  it('is aborted by its gateway', async () => {
    const gateway = await gatewayOf('suspended', near.diameterPort);
    await change('suspended', { standing: 'suspended' });
    await expect.poll(() => gateway.asked, POLL).toEqual(['abort-session']);
    await gateway.ask('terminate', { used: 10, reason: 'FINAL' });
    await expect
      .poll(() => outcomesOf('suspended', gateway.sessionId), POLL)
      .toMatchObject([{ kind: 'abort', reason: 'standing', outcome: 'accepted', detail: '2001' }]);
  });
});

describe('a session whose tariff changes', () => {
  it('is asked to come back, and is granted by the new price', async () => {
    const gateway = await gatewayOf('repriced', near.diameterPort);
    await expect
      .poll(async () => (await findLiveSessions(database.pool, 'repriced')).sessionIds, POLL)
      .toEqual([gateway.sessionId]);
    price = '2';
    await load();
    await expect.poll(() => gateway.asked, POLL).toEqual(['re-auth']);
    const answer = await gateway.ask('update', { used: 0, requested: 2_000_000 });
    expect(answer.services).toMatchObject([{ granted: { amount: 500_000 } }]);
    await expect
      .poll(() => outcomesOf('repriced', gateway.sessionId), POLL)
      .toMatchObject([{ kind: 're-authorise', reason: 'tariff', outcome: 'accepted' }]);
  });
});

describe('a gateway that never answers', () => {
  it('is asked so often, and the session shows that it was given up', async () => {
    const host = 'pgw1.visited.example';
    const steering = { ...SETTINGS.steering, attemptsMax: 2 };
    // What comes to the gateway is counted: no watchdog among it, however long this takes.
    const settings = { steering, diameter: { answerTimeoutMs: 100, watchdogSeconds: 600 } };
    // A node of its own: no other may reach the gateway.
    const daemon = await startDaemon({ ...servers(), settings });
    cleanUp.push(() => daemon.stop());
    const gateway = await gatewayOf('mute', daemon.diameterPort, {
      host,
      realm: 'visited.example',
    });
    await gateway.close();
    const mute = await WirePeer.open(daemon.diameterPort, readVector('base.txt', 'cer').bytes);
    cleanUp.push(async () => mute.destroy());
    await change('mute', { topUps: 1 });
    // Three tries in each of two attempts; those of one attempt are marked as repeated.
    const requests = await mute.receive(6);
    expect(requests.map(({ command }) => command)).toEqual(Array.from({ length: 6 }, () => 258));
    expect(requests.map(({ flags }) => flags & 0x10)).toEqual([0, 16, 16, 0, 16, 16]);
    await expect
      .poll(() => outcomesOf('mute', gateway.sessionId), POLL)
      .toMatchObject([
        { outcome: 'unanswered', attempt: 1, final: false },
        { outcome: 'unanswered', attempt: 2, final: true },
      ]);
  });
});

describe('a gateway behind a freeDiameter relay', () => {
  it('is asked to come back, and to end the session', async () => {
    const relay = await startRelay({
      identity: 'relay.transit.example',
      realm: 'transit.example',
      servers: [{ identity: near.diameterHost, realm: TEST_REALM, port: near.diameterPort }],
      clients: ['*.gateways.example'],
    });
    cleanUp.push(() => relay.stop());
    const gateway = await gatewayOf('relayed', relay.port);
    await change('relayed', { topUps: 1 });
    await expect.poll(() => gateway.asked, POLL).toEqual(['re-auth']);
    const answer = await gateway.ask('update', { used: 1_000_000, requested: 2_000_000 });
    expect(answer.services).toMatchObject([{ granted: { amount: 2_000_000 } }]);
    await change('relayed', { standing: 'suspended' });
    await expect.poll(() => gateway.asked, POLL).toEqual(['re-auth', 'abort-session']);
    await expect
      .poll(() => outcomesOf('relayed', gateway.sessionId), POLL)
      .toMatchObject([
        { kind: 're-authorise', outcome: 'accepted', detail: '2002' },
        { kind: 'abort', outcome: 'accepted', detail: '2001' },
      ]);
  });
});
