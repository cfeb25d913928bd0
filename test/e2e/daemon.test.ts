import { createServer, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { ageRedis, WITHOUT_FUNCTIONS } from '../support/aged-redis.js';
import { runTolld, startDaemon } from '../support/daemon.js';
import { testDatabase } from '../support/postgres.js';
import { startRedis, testRedis } from '../support/redis.js';

const redis = testRedis();
const database = testDatabase({ migrated: false });
const otherDatabase = testDatabase();
const lateDatabase = testDatabase();
const servers = () => ({
  redisUrl: redis.url,
  keyPrefix: redis.prefix,
  postgresUrl: database.url,
});

describe('the daemon', () => {
  test('two of them start over an empty Redis and an empty Postgres, and are ready', async () => {
    const daemons = await Promise.all([startDaemon(servers()), startDaemon(servers())]);
    for (const daemon of daemons) {
      const response = await fetch(`${daemon.operationsUrl}/readyz`);
      expect(await response.json()).toMatchObject({ status: 'ready' });
      expect(daemon.diameterPort).toBeGreaterThan(0);
    }
    const metrics = await fetch(`${daemons[0].operationsUrl}/metrics`);
    expect(await metrics.text()).toContain('nodejs_eventloop_lag_seconds');
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    for (const { log } of daemons) expect(log.at(-1)).toMatchObject({ msg: 'stopped' });
  });

  test('says that it is not ready while Redis is away, and recovers by itself', async () => {
    const own = await startRedis();
    const daemon = await startDaemon({
      redisUrl: own.url,
      keyPrefix: 'own',
      postgresUrl: otherDatabase.url,
    });
    const ready = async () => (await fetch(`${daemon.operationsUrl}/readyz`)).status;
    expect(await ready()).toBe(200);
    await own.kill();
    await expect.poll(ready, { timeout: 10_000 }).toBe(503);
    await own.start();
    await expect.poll(ready, { timeout: 20_000 }).toBe(200);
    await daemon.stop();
  });

  test('waits for a Redis that does not answer yet, says so, and starts when it does', async () => {
    const own = await startRedis();
    await own.stop();
    const mute = createServer();
    const met = new Promise<Socket>((resolve) => mute.once('connection', resolve));
    await new Promise<void>((resolve) => mute.listen(own.port, '127.0.0.1', resolve));
    const starting = startDaemon({
      redisUrl: own.url,
      keyPrefix: 'own',
      postgresUrl: lateDatabase.url,
    });
    const socket = await met;
    await new Promise<void>((resolve) => {
      mute.close(() => resolve());
      socket.destroy();
    });
    await own.start();
    const daemon = await starting;
    expect(daemon.log.map(({ msg }) => msg)).toContain(
      'Redis or Postgres does not answer in time; the start waits for it',
    );
    await daemon.stop();
  });

  test('refuses a Redis that may forget balances, and says which setting to change', async () => {
    const unsafe = await startRedis({ appendFsync: 'off' });
    const { exitCode, stderr } = await runTolld(['serve'], {
      environment: {
        TOLLD_REDIS_URL: unsafe.url,
        TOLLD_POSTGRES_URL: database.url,
        TOLLD_LOG_LEVEL: 'silent',
      },
    });
    expect(exitCode).toBe(1);
    expect(stderr).toContain('appendonly must be yes');
  });

  test('refuses a Redis that is too old, and says which it needs', async () => {
    const aged = await ageRedis(await startRedis({ moreSettings: WITHOUT_FUNCTIONS }), '6.2.14');
    const { exitCode, stderr } = await runTolld(['serve'], {
      environment: {
        TOLLD_REDIS_URL: aged.url,
        TOLLD_POSTGRES_URL: database.url,
        TOLLD_LOG_LEVEL: 'silent',
      },
    });
    await aged.close();
    expect(exitCode).toBe(1);
    expect(stderr).toContain('Redis is 6.2.14: upgrade it to 7.0 or newer');
  });

  test('ends with the faults of its configuration before it touches anything', async () => {
    const { exitCode, stderr } = await runTolld(['serve'], {
      environment: { TOLLD_DIAMETER_LISTEN_PORT: 'x', TOLLD_ENGINE_PARTITIONS: '0' },
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('TOLLD_DIAMETER_LISTEN_PORT');
    expect(stderr).toContain('TOLLD_ENGINE_PARTITIONS');
  });
});
