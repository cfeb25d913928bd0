/** A process of its own that charges what its parent sends it: another front on the same Redis. */
import type { ChargeRequest } from '../../src/charging/charge-request.js';
import { charge } from '../../src/charging/charge.js';
import { createEngineConnection } from '../../src/charging/engine-connection.js';
import { createLogger } from '../../src/observability/logger.js';

const [url = '', keyPrefix = ''] = process.argv.slice(2);
const connection = createEngineConnection(
  { url, keyPrefix, name: 'worker', commandTimeoutMs: 20_000, requestTimeoutMs: 20_000 },
  { logger: createLogger({ level: 'silent' }) },
);
await connection.open();

process.on('message', ({ id, request }: { id: number; request: ChargeRequest }) => {
  void charge(connection.engine, request)
    .then((outcome) => ({ id, outcome }))
    .catch((error: unknown) => ({ id, error: String(error) }))
    .then((message) => process.send?.(message));
});
process.on('disconnect', () => {
  void connection.close();
});
process.send?.({ ready: true });
