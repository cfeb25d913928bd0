import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/charging/engine.js';
import { partitionOf } from '../../../src/charging/keys.js';
import { readAccount } from '../../../src/charging/snapshot.js';
import { openEngine } from '../../support/charging-engine.js';
import { runTolld, startDaemon, type Daemon } from '../../support/daemon.js';
import { openCallGateway, type CallGateway } from '../../support/call-gateway.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';
import { makeScratchDirectory } from '../../support/scratch-directory.js';

const PARTITIONS = 8;
const redis = testRedis();
const database = testDatabase();
const environment = () => ({
  TOLLD_REDIS_URL: redis.url,
  TOLLD_REDIS_KEY_PREFIX: redis.prefix,
  TOLLD_POSTGRES_URL: database.url,
  TOLLD_ENGINE_PARTITIONS: String(PARTITIONS),
});

/** An account for each test. */
const ACCOUNTS = 9;
const imsiOf = (account: number): string => `26242000000020${account}`;
const HOME = '4930123456';
const ABROAD = '442079460018';
const MOBILE_ABROAD = '447700900123';
const NOWHERE = '999123456';

/** The first minute whole, then half minutes; by the longest prefix of the called number. */
const OPERATOR = `
version: 1
tenants:
  - code: voice
    timezone: Europe/Berlin
    resources: [{ code: EUR }]
    tariffs:
      - code: calls
        currency: EUR
        zones:
          - { id: home, prefixes: ['49'] }
          - { id: abroad, prefixes: ['44'] }
          - { id: mobile-abroad, prefixes: ['447'] }
        versions:
          - id: '1'
            startsAt: 2020-01-01
            rates:
              - { id: home, unit: seconds, price: { amount: '0.09', per: 1 min }, firstStep: 60, step: 30 }
              - { id: abroad, unit: seconds, price: { amount: '0.30', per: 1 min }, firstStep: 60, step: 30 }
              - { id: mobile, unit: seconds, price: { amount: '0.60', per: 1 min }, firstStep: 60, step: 30 }
              - { id: message, unit: events, price: { amount: '0.07' } }
            rules:
              - { id: home, match: { serviceContexts: ['32260@3gpp.org'], calledZone: home }, rate: home }
              - { id: abroad, match: { serviceContexts: ['32260@3gpp.org'], calledZone: abroad }, rate: abroad }
              - { id: mobile, match: { serviceContexts: ['32260@3gpp.org'], calledZone: mobile-abroad }, rate: mobile }
              - { id: message, match: { serviceContexts: ['32274@3gpp.org'] }, rate: message }
            quotas: [{ unit: seconds, default: 60, maximum: 300, minimum: 1, sharePercent: 100 }]
    accounts:${Array.from(
      { length: ACCOUNTS },
      (_, at) => `
      - { id: caller-${at}, tariff: calls, buckets: [{ id: money-${at}, resource: EUR, amount: '1.00' }] }`,
    ).join('')}
    subscribers:${Array.from(
      { length: ACCOUNTS },
      (_, at) => `
      - { id: caller-${at}, account: caller-${at}, identities: [{ kind: imsi, value: '${imsiOf(at)}' }] }`,
    ).join('')}
diameterPeers:
  - { name: core, realm: core.example }
`;

let daemon: Daemon;
let engine: Engine;
beforeAll(async () => {
  const file = path.join(makeScratchDirectory('voice'), 'operator.yaml');
  writeFileSync(file, OPERATOR);
  const loaded = await runTolld(['load', file], { environment: environment() });
  if (loaded.exitCode !== 0) throw new Error(`${loaded.stdout}${loaded.stderr}`);
  daemon = await startDaemon({
    redisUrl: redis.url,
    keyPrefix: redis.prefix,
    postgresUrl: database.url,
  });
  engine = await openEngine({ url: redis.url, keyPrefix: redis.prefix });
});

const opened: CallGateway[] = [];
afterAll(async () => {
  for (const each of opened) await each.close();
});

let account = -1;
let gateway: CallGateway;
beforeEach(async () => {
  account += 1;
  gateway = await openCallGateway({
    host: `as${account}.core.example`,
    realm: 'core.example',
    port: daemon.diameterPort,
    imsi: imsiOf(account),
  });
  opened.push(gateway);
});

/** In micro-units, as Redis has it: the answer came after that. */
async function money(): Promise<{ readonly left: number; readonly reserved: number }> {
  const accountId = `caller-${account}`;
  const read = await readAccount(engine, partitionOf(accountId, PARTITIONS), accountId);
  const [bucket] = read?.buckets ?? [];
  return { left: bucket?.remaining ?? -1, reserved: bucket?.reserved ?? -1 };
}

const call = (called: string) => ({ kind: 'call', called }) as const;
const message = { kind: 'message', called: HOME } as const;

describe('a call', () => {
  it('costs what its prefix says, the first minute whole and then half minutes', async () => {
    const first = await gateway.ask('home', 'initial', { ...call(HOME), requested: 60 });
    expect(first.services).toMatchObject([
      { resultCode: 2001, granted: { unit: 'seconds', amount: 60 } },
    ]);
    await gateway.ask('home', 'update', { ...call(HOME), used: 60, requested: 60 });
    const last = await gateway.ask('home', 'terminate', { ...call(HOME), used: 1 });
    expect(last).toMatchObject({ resultCode: 2001, cost: { amount: '0.135', currency: 978 } });

    await gateway.ask('abroad', 'initial', { ...call(ABROAD), requested: 60 });
    const short = await gateway.ask('abroad', 'terminate', { ...call(ABROAD), used: 12 });
    expect(short.cost?.amount).toBe('0.3');

    await gateway.ask('mobile', 'initial', { ...call(MOBILE_ABROAD), requested: 30 });
    const unanswered = await gateway.ask('mobile', 'terminate', {
      ...call(MOBILE_ABROAD),
      used: 0,
    });
    expect(unanswered.cost?.amount).toBe('0');
    expect(await money()).toEqual({ left: 1_000_000 - 135_000 - 300_000, reserved: 0 });
  });

  it('goes by the longest prefix, and as far as the money goes', async () => {
    // 1.00 is 1:30 at 0.60 a minute in half minutes: 0.90.
    const first = await gateway.ask('m', 'initial', { ...call(MOBILE_ABROAD), requested: 300 });
    expect(first.services).toMatchObject([
      { resultCode: 2001, granted: { amount: 90 }, finalUnit: 'terminate' },
    ]);
    const last = await gateway.ask('m', 'terminate', { ...call(MOBILE_ABROAD), used: 90 });
    expect(last.cost?.amount).toBe('0.9');
    expect(await money()).toEqual({ left: 100_000, reserved: 0 });
  });

  it('to where no prefix leads is refused: rating failed', async () => {
    const refused = await gateway.ask('n', 'initial', { ...call(NOWHERE), requested: 60 });
    expect(refused.services.map(({ resultCode }) => resultCode)).toEqual([5031]);
    expect(await money()).toEqual({ left: 1_000_000, reserved: 0 });
  });
});

describe('a message', () => {
  it('is taken at once as one event', async () => {
    const answer = await gateway.event('debit', { ...message, requested: 1 });
    expect(answer).toMatchObject({ resultCode: 2001, cost: { amount: '0.07', currency: 978 } });
    expect(await money()).toEqual({ left: 930_000, reserved: 0 });
  });

  it('is reserved, then taken when it was delivered', async () => {
    const held = await gateway.ask('m', 'initial', { ...message, requested: 1 });
    expect(held.services).toMatchObject([
      { resultCode: 2001, granted: { unit: 'events', amount: 1 } },
    ]);
    expect(await money()).toEqual({ left: 1_000_000, reserved: 70_000 });
    const taken = await gateway.ask('m', 'terminate', { ...message, used: 1 });
    expect(taken.cost?.amount).toBe('0.07');
    expect(await money()).toEqual({ left: 930_000, reserved: 0 });
  });

  it('costs nothing when it was reserved and could not be delivered', async () => {
    await gateway.ask('m', 'initial', { ...message, requested: 1 });
    await gateway.ask('m', 'terminate', { ...message, used: 0 });
    expect(await money()).toEqual({ left: 1_000_000, reserved: 0 });
  });

  it('is given back by a refund', async () => {
    await gateway.event('debit', { ...message, requested: 3 });
    const refund = await gateway.event('refund', { ...message, requested: 1 });
    expect(refund.resultCode).toBe(2001);
    expect(await money()).toEqual({ left: 1_000_000 - 140_000, reserved: 0 });
  });

  it('has a price that can be asked for', async () => {
    const one = await gateway.event('price-enquiry', { ...message, requested: 2 });
    expect(one).toMatchObject({ resultCode: 2001, cost: { amount: '0.14', currency: 978 } });
    const calling = await gateway.event('price-enquiry', { ...call(ABROAD), requested: 61 });
    expect(calling.cost?.amount).toBe('0.45');
    const nowhere = await gateway.event('price-enquiry', { ...call(NOWHERE), requested: 61 });
    expect(nowhere.resultCode).toBe(5031);
    expect(await money()).toEqual({ left: 1_000_000, reserved: 0 });
  });

  it('can be asked for whether the balance covers it', async () => {
    const enough = await gateway.event('balance-check', { ...message, requested: 14 });
    expect(enough).toMatchObject({ resultCode: 2001, enoughCredit: true });
    const more = await gateway.event('balance-check', { ...message, requested: 15 });
    expect(more).toMatchObject({ resultCode: 2001, enoughCredit: false });
    expect(await money()).toEqual({ left: 1_000_000, reserved: 0 });
  });
});
