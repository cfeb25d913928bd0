/** `tolld serve`: the daemon, until it is asked to end. */
import { Command, InvalidArgumentError } from 'commander';
import { startNode, type TolldNode } from '../node.js';
import { createLogger, type Logger } from '../observability/logger.js';
import { startPatiently } from './patient-start.js';
import { ROLES, SETTINGS, type Role } from '../settings.js';
import { EXIT, type CommandContext } from './context.js';
import { listenForStop } from './stop-signal.js';

/** A bug ends the process: what goes on after one can't be trusted with money. */
function crashOnBugs(logger: Logger): void {
  process.on('uncaughtException', (err) => {
    logger.fatal({ err }, 'a bug: the process ends');
    process.exit(EXIT.failed);
  });
}

/** Closes the node, or gives up after the time of grace. @throws what the node could not close. */
async function closeWithin(node: TolldNode, graceMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const reason = new Error(`not everything was closed within ${graceMs} ms`);
    timer = setTimeout(() => reject(reason), graceMs);
  });
  try {
    await Promise.race([node.close(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The words of `--roles`. @throws InvalidArgumentError */
function parseRoles(text: string): readonly Role[] {
  const parsed = SETTINGS.node.roles.schema.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError(`give ${SETTINGS.node.roles.expected}`);
  return parsed.data;
}

export function serveCommand({ readConfig }: CommandContext): Command {
  return new Command('serve')
    .description('run the daemon until SIGTERM, SIGINT or SIGHUP; logs are JSON lines on stdout')
    .option('--roles <roles>', `what this process does: ${ROLES.join(',')}`, parseRoles)
    .action(async ({ roles }: { readonly roles?: readonly Role[] }) => {
      const { config: read } = readConfig();
      const config = roles === undefined ? read : { ...read, node: { ...read.node, roles } };
      const logger = createLogger({
        level: config.log.level,
        fields: { node: config.node.name },
      });
      crashOnBugs(logger);
      const stop = listenForStop({ onImpatience: () => process.exit(EXIT.failed) });
      const giveUp = new AbortController();
      void stop.received.then(() => giveUp.abort());
      const node = await startPatiently(
        { waitMs: config.node.startWaitMs, signal: giveUp.signal },
        { start: () => startNode(config, { logger }), logger },
      );
      const signal = await stop.received;
      logger.info({ signal }, 'stopping');
      try {
        await closeWithin(node, config.node.shutdownGraceMs);
        logger.info({}, 'stopped');
      } catch (err) {
        logger.error({ err }, 'stopped without closing everything');
        // What is still open would keep the process alive.
        process.exit(EXIT.failed);
      }
    });
}
