/** A process that closes its connections to a cluster as it asks for the map of the slots. */
import { Cluster } from 'ioredis';
import { createEngineConnection } from '../../src/charging/engine-connection.js';
import { createLogger } from '../../src/observability/logger.js';

const [url = ''] = process.argv.slice(2);
const connection = createEngineConnection(
  {
    ...{ url, keyPrefix: 'closing', name: 'closing', connections: 2 },
    topology: 'cluster',
    slotsRefreshMs: 20,
    commandTimeoutMs: 5_000,
    requestTimeoutMs: 10_000,
  },
  { logger: createLogger({ level: 'silent' }) },
);
await connection.open();
const { redis } = connection.engine;
if (!(redis instanceof Cluster)) throw new Error('there is no cluster');
const refresh = redis.refreshSlotsCache.bind(redis);
redis.refreshSlotsCache = (callback) => {
  redis.refreshSlotsCache = refresh;
  refresh(callback);
  void connection.close().then(() => process.disconnect());
};
