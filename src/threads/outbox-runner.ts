/** Starts the outbox thread and speaks with it. */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { LOG_LEVELS, type LogFields, type Logger } from '../observability/logger.js';
import type { BacklogState } from '../outbox/backlog.js';
import type { FromOutboxThread, ToOutboxThread } from './outbox-messages.js';
import type { OutboxPartOptions } from './outbox-part.js';
import type { OutboxThreadData } from './outbox-thread.js';

export interface OutboxRunner {
  /** How far the record lags, as last measured. */
  readonly backlog: BacklogState;
  /** The thread's metrics in Prometheus' text format. */
  exposition(): Promise<string>;
  /** Has it write what is left, as far as there is time, and end. */
  close(): Promise<void>;
}

/** The thread ended by itself: a bug, since it survives whatever becomes of its servers. */
export class OutboxThreadError extends Error {
  readonly code = 'TOLLD_OUTBOX_THREAD';
}

/**
 * Starts the thread and resolves when it is connected. Should it end by itself later, the process
 * ends by an uncaught exception: a process that seems to flush and doesn't would be worse.
 * @throws what kept it from starting.
 */
export async function startOutbox(
  options: OutboxPartOptions,
  { logger }: { readonly logger: Logger },
): Promise<OutboxRunner> {
  const logLevel = LOG_LEVELS.find((level) => logger.isLevelEnabled(level)) ?? 'silent';
  const worker = startWorker({ ...options, logLevel });
  const waiting = new Map<number, (text: string) => void>();
  let asked = 0;
  let backlog: BacklogState = 'ok';
  let isClosing = false;
  let isReady = false;
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromOutboxThread) => {
      switch (message.kind) {
        case 'ready':
          isReady = true;
          resolve();
          break;
        case 'state':
          backlog = message.state;
          break;
        case 'log':
          relay(logger, message.line);
          break;
        case 'exposition':
          waiting.get(message.id)?.(message.text);
          waiting.delete(message.id);
          break;
      }
    });
    worker.on('error', (error) => {
      if (isReady) throw error;
      reject(error);
    });
    worker.on('exit', (code) => {
      for (const answer of waiting.values()) answer('');
      const error = new OutboxThreadError(`the outbox thread ended by itself (exit ${code})`);
      if (!isReady) reject(error);
      else if (!isClosing) throw error;
    });
  });

  const tell = (message: ToOutboxThread): void => worker.postMessage(message);
  return {
    get backlog() {
      return backlog;
    },
    exposition: async () => {
      if (isClosing) return '';
      const id = (asked += 1);
      return await new Promise<string>((resolve) => {
        waiting.set(id, resolve);
        tell({ kind: 'exposition', id });
      });
    },
    close: async () => {
      isClosing = true;
      tell({ kind: 'stop' });
      await exited;
    },
  };
}

function startWorker(workerData: OutboxThreadData): Worker {
  const program = new URL('./outbox-thread.js', import.meta.url);
  if (import.meta.url.endsWith('.js')) return new Worker(program, { workerData });
  // From the source: a thread does not take over what lets its process read TypeScript.
  const source = fileURLToPath(program).replace(/\.js$/, '.ts');
  const reader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const starter = `import(${reader}).then(({ tsImport }) => tsImport(${JSON.stringify(source)}, ${reader}))`;
  return new Worker(starter, { eval: true, workerData });
}

/** Writes a line of the thread's log as a line of ours. */
function relay(logger: Logger, line: string): void {
  const { level, time: _time, msg, ...fields } = JSON.parse(line) as LogFields;
  const method = LOG_LEVELS.find((each) => each === level);
  if (method === undefined || method === 'silent') return;
  logger[method]({ ...fields, thread: 'outbox' }, String(msg));
}
