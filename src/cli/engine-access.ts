/** Redis, for a command that looks or asks once: opened, used, closed. */
import { createEngineConnection } from '../charging/engine-connection.js';
import type { Engine } from '../charging/engine.js';
import { createLogger } from '../observability/logger.js';
import type { CommandContext } from './context.js';

/** Runs `work` with the engine. @throws the driver's error where Redis can't be reached. */
export async function withEngine<Result>(
  { readConfig }: CommandContext,
  work: (engine: Engine) => Promise<Result>,
): Promise<Result> {
  const { redis, engine } = readConfig().config;
  const connection = createEngineConnection(
    {
      ...redis,
      name: 'tolld cli',
      requestTimeoutMs: engine.requestTimeoutMs,
    },
    { logger: createLogger({ level: 'silent' }) },
  );
  try {
    await connection.open();
    return await work(connection.engine);
  } finally {
    await connection.close();
  }
}
