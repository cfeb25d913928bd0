import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRedisClient, type RedisClient } from '../../../src/charging/redis-client.js';
import { ResultCode } from '../../../src/diameter/generated/enumerations.js';
import type { SimulatedTraffic } from '../../../src/local/gy-simulator/traffic.js';
import { silentLogger } from '../../support/charging-engine.js';
import { startDaemon } from '../../support/daemon.js';
import { demoGateway, loadDemoOperator, proveAccounts } from '../../support/demo-installation.js';
import { testDatabase } from '../../support/postgres.js';
import { startRedisInstance, type OwnRedis } from '../../support/redis-instance.js';

const PATIENCE = { timeout: 30_000 };
const MEMORY_MB = 32;
/** A little more than Redis' memory: room enough at first. */
const DISK_MB = 48;
const LONG_SESSIONS: SimulatedTraffic = {
  kind: 'data',
  weight: 1,
  apn: 'internet',
  updates: { min: 20, max: 40 },
  services: [
    { ratingGroup: 10, unit: 'octets', usePerStep: { min: 1_000, max: 9_000 }, requested: 10_000 },
  ],
};
const LARGE = Buffer.alloc(8 * 2 ** 20);

const database = testDatabase();
let server: OwnRedis;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedisInstance({ maxMemoryMb: MEMORY_MB });
  redis = createRedisClient(
    { url: server.url, commandTimeoutMs: 10_000, name: 'filler' },
    { logger: silentLogger },
  );
  await redis.connect();
});
afterAll(async () => {
  redis.disconnect();
  await server.remove();
});

describe('while the disk of Redis fills', () => {
  it('no session begins, those that are open are charged to their end, and nothing is lost', async () => {
    const servers = { redisUrl: server.url, keyPrefix: 'tolld', postgresUrl: database.url };
    await loadDemoOperator(servers);
    const daemon = await startDaemon({ ...servers, settings: { redis: { diskMb: DISK_MB } } });
    const answers: { readonly phase: string; readonly resultCode: number | null }[] = [];
    const gateway = demoGateway(
      {
        nodes: [{ host: '127.0.0.1', port: daemon.diameterPort }],
        seed: 1,
        traffic: [LONG_SESSIONS],
        sessions: null,
        concurrent: 3,
        thinkMs: { min: 50, max: 100 },
        triesMax: 1,
      },
      (event) => {
        if (event.type !== 'answer') return;
        answers.push({ phase: event.request.phase, resultCode: event.answer.resultCode });
      },
    );
    const running = gateway.run();
    const count = (phase: string, isGood: boolean): number =>
      answers.filter(
        (one) => one.phase === phase && (one.resultCode === ResultCode.DIAMETER_SUCCESS) === isGood,
      ).length;
    await expect.poll(() => count('update', true), PATIENCE).toBeGreaterThan(5);
    expect(count('initial', false)).toBe(0);

    for (let written = 0; written < DISK_MB; written += 8) await redis.set('filler', LARGE);
    await expect.poll(() => count('initial', false), PATIENCE).toBeGreaterThan(0);
    const updates = count('update', true) + count('terminate', true);
    await expect
      .poll(() => count('update', true) + count('terminate', true), PATIENCE)
      .toBeGreaterThan(updates);
    expect(count('update', false) + count('terminate', false)).toBe(0);

    await redis.del('filler');
    await redis.bgrewriteaof();
    const begun = count('initial', true);
    await expect.poll(() => count('initial', true), PATIENCE).toBeGreaterThan(begun);
    gateway.stop();
    const { tally } = await running;
    await proveAccounts(servers, tally);
  }, 120_000);
});
