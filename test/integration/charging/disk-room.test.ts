import { statfsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readDiskRoom } from '../../../src/charging/disk-room.js';
import { createRedisClient, type RedisClient } from '../../../src/charging/redis-client.js';
import { silentLogger } from '../../support/charging-engine.js';
import { startRedisInstance, type OwnRedis } from '../../support/redis-instance.js';

const MEMORY_MB = 64;
const MEBIBYTE = 2 ** 20;

let server: OwnRedis;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedisInstance({ maxMemoryMb: MEMORY_MB });
  redis = createRedisClient(
    { url: server.url, commandTimeoutMs: 5_000, name: 'disk room' },
    { logger: silentLogger },
  );
  await redis.connect();
});
afterAll(async () => {
  redis.disconnect();
  await server.remove();
});

describe('the room that Redis has for its append-only files', () => {
  test('is what is free on its disk, where Redis is on this machine', async () => {
    const { blocks, bsize } = statfsSync(server.directory);
    const room = await readDiskRoom(redis, { diskMb: 0 });
    expect(room).toBeGreaterThan(0);
    expect(room).toBeLessThanOrEqual((blocks * bsize) / (MEMORY_MB * MEBIBYTE));
  });

  test('is what the files leave of the disk that the operator named', async () => {
    const roomIn = (diskMb: number): Promise<number | null> => readDiskRoom(redis, { diskMb });
    const before = (await roomIn(100)) ?? 0;
    expect(before).toBeCloseTo(100e6 / (MEMORY_MB * MEBIBYTE), 2);
    await redis.set('large', Buffer.alloc(16 * MEBIBYTE));
    expect(before - ((await roomIn(100)) ?? 0)).toBeCloseTo(16 / MEMORY_MB, 2);
    expect(await roomIn(10)).toBe(0);
  });
});
