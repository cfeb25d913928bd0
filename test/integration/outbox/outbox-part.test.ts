import { describe, expect, test } from 'vitest';
import { FlushWorkload } from '../../../bench/flush-workload.js';
import { createKeys } from '../../../src/charging/keys.js';
import { loadConfig } from '../../../src/config.js';
import { createLogger } from '../../../src/observability/logger.js';
import { createMetrics, type Metrics } from '../../../src/observability/metrics.js';
import { openOutbox } from '../../../src/threads/outbox-part.js';
import { testDatabase } from '../../support/postgres.js';
import { testRedis } from '../../support/redis.js';

const PARTITIONS = 3;
const redis = testRedis();
const database = testDatabase();
const keys = createKeys(redis.prefix);

/** Metrics that note what the pace was set to. */
function notingMetrics(): { readonly metrics: Metrics; readonly paces: number[] } {
  const paces: number[] = [];
  const metrics = createMetrics({ processMetrics: false });
  const gauge: Metrics['gauge'] = (options) => {
    const made = metrics.gauge(options);
    if (options.name === 'tolld_outbox_pace_ratio') {
      made.set = (...args: unknown[]) => void paces.push(Number(args.at(-1)));
    }
    return made;
  };
  return { metrics: { ...metrics, gauge }, paces };
}

describe('the outbox part of a process', () => {
  test.each([
    { roles: 'sweeper', catchUpSeconds: 600, first: [] },
    { roles: 'flusher', catchUpSeconds: 600, first: [expect.closeTo(0.2)] },
    { roles: 'flusher', catchUpSeconds: 0, first: [1] },
  ])(
    'of a $roles meets a backlog, with $catchUpSeconds seconds for it, at a pace of $first',
    async ({ roles, catchUpSeconds, first }) => {
      const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
      await redis.client.del(...partitions.map((partition) => keys.outbox(partition)));
      const workload = new FlushWorkload({ accounts: 700, partitions: PARTITIONS });
      await workload.writeOpenings(redis.client, keys);
      const { config } = loadConfig({
        environment: {
          TOLLD_REDIS_URL: redis.url,
          TOLLD_REDIS_KEY_PREFIX: redis.prefix,
          TOLLD_POSTGRES_URL: database.url,
          TOLLD_NODE_ROLES: roles,
          TOLLD_FLUSHER_BATCH_ENTRIES_MAX: '50',
          TOLLD_FLUSHER_CATCH_UP_SECONDS: String(catchUpSeconds),
        },
      });
      const { metrics, paces } = notingMetrics();
      const outbox = await openOutbox(
        { config, partitions: PARTITIONS },
        { logger: createLogger({ level: 'silent' }), metrics, onState: () => undefined },
      );
      expect(paces.slice(0, 1)).toEqual(first);
      await outbox.close();
    },
  );
});
