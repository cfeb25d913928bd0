/** Hears of new tasks of steering as they are raised. What it misses is found by looking. */
import type { Logger } from '../observability/logger.js';
import type { Engine } from './engine.js';
import { connected, duplicateOf } from './redis-client.js';

export interface SteeringSignal {
  /** Begins to listen. Never rejects: without the signal tasks are found a little later. */
  open(): Promise<void>;
  close(): void;
}

/** A start waits no longer for what it can do without; the client goes on trying. */
const CONNECT_MS = 2_000;

/** Calls `onRaised` with the partition of each new task, on a connection of its own. */
export function createSteeringSignal(
  engine: Engine,
  { logger, onRaised }: { readonly logger: Logger; readonly onRaised: (partition: number) => void },
): SteeringSignal {
  // Silence is no failure there: the time limit of the connection counts while a command waits.
  const redis = duplicateOf(engine.redis, 'tolld steering signal');
  redis.on('error', (error: Error) => logger.debug({ err: error }, 'steering signal lost'));
  redis.on('pmessage', (_pattern: string, channel: string) => {
    const partition = /\{p(\d+)\}/.exec(channel)?.[1];
    if (partition !== undefined) onRaised(Number(partition));
  });
  const listen = async (): Promise<void> => {
    try {
      await redis.psubscribe(engine.keys.steerPattern);
    } catch (error) {
      logger.warn({ err: error }, 'not told of steering; it is looked for instead');
    }
  };
  redis.on('ready', () => void listen());
  return {
    open: async () => {
      try {
        await connected(redis, { timeoutMs: CONNECT_MS });
        await listen();
      } catch (error) {
        logger.warn({ err: error }, 'not told of steering; it is looked for instead');
      }
    },
    close: () => redis.disconnect(),
  };
}
