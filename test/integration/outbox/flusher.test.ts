import { describe, test } from 'vitest';
import { createKeys } from '../../../src/charging/keys.js';
import { testDatabase } from '../../support/postgres.js';
import { randomSource } from '../../support/random-source.js';
import { testRedis } from '../../support/redis.js';
import { expectRecordOf } from './record-check.js';
import { startFlusher } from './running-flusher.js';
import { Workload } from './workload.js';

const database = testDatabase();
const redis = testRedis();
const PARTITIONS = 8;

describe('the flusher', () => {
  test('records every event of every account once', async () => {
    const keys = createKeys(redis.prefix);
    const workload = new Workload({ accounts: 40, partitions: PARTITIONS, source: randomSource() });
    const flusher = startFlusher({
      ...redis,
      redis: redis.client,
      pool: database.pool,
      partitions: PARTITIONS,
    });
    await workload.write(3_000, { redis: redis.client, keys });
    await flusher.recorded();
    await expectRecordOf(workload, database.pool);
    for (let round = 0; round < 20; round += 1) {
      await workload.write(100, { redis: redis.client, keys });
    }
    await flusher.recorded();
    await expectRecordOf(workload, database.pool);
    await flusher.stop();
  });
});
