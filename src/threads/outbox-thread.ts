/**
 * The program of the outbox thread. Reading, decoding and writing batches takes a processor for
 * milliseconds at a time: in a thread of its own no request waits for it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { createLogger, type LogLevel } from '../observability/logger.js';
import { createMetrics } from '../observability/metrics.js';
import type { FromOutboxThread, ToOutboxThread } from './outbox-messages.js';
import { openOutbox, type OutboxPartOptions } from './outbox-part.js';

export interface OutboxThreadData extends OutboxPartOptions {
  readonly logLevel: LogLevel;
}

if (parentPort === null) throw new Error('this program runs in a thread');
const port = parentPort;
const { logLevel, ...options } = workerData as OutboxThreadData;
const tell = (message: FromOutboxThread): void => port.postMessage(message);

const metrics = createMetrics({ processMetrics: false });
const logger = createLogger(
  { level: logLevel },
  { destination: { write: (line) => tell({ kind: 'log', line }) } },
);
const outbox = await openOutbox(options, {
  logger,
  metrics,
  onState: (state) => tell({ kind: 'state', state }),
});

async function expose(id: number): Promise<void> {
  tell({ kind: 'exposition', id, text: await metrics.exposition() });
}

port.on('message', (message: ToOutboxThread) => {
  switch (message.kind) {
    case 'exposition':
      void expose(message.id);
      break;
    case 'stop':
      // With nothing open any more and nobody to listen to, the thread ends.
      void outbox.close().finally(() => port.close());
      break;
  }
});
tell({ kind: 'ready' });
