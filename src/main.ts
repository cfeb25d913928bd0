/** The command line. Each command is a file of `src/cli/`. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { accountCommand } from './cli/account.js';
import { configCommand } from './cli/config.js';
import { createCommandContext, EXIT, type ExitCode } from './cli/context.js';
import { eventsCommand } from './cli/events.js';
import { loadCommand } from './cli/load.js';
import { migrateCommand } from './cli/migrate.js';
import { nasCommand } from './cli/nas.js';
import { processTerminal, type Terminal } from './cli/output.js';
import { rejectsCommand } from './cli/rejects.js';
import { serveCommand } from './cli/serve.js';
import { rebuildCommand } from './cli/rebuild.js';
import { reconcileCommand } from './cli/reconcile.js';
import { sessionCommand } from './cli/session.js';
import { simulateCommand } from './cli/simulate.js';
import { verifyCommand } from './cli/verify.js';
import { ConfigError, processEnvironment, type Environment } from './config.js';

const EXIT_CODES_HELP = `
Exit codes: ${EXIT.done} done, ${EXIT.failed} failed, ${EXIT.usage} wrong command line or configuration.
Settings: docs/configuration.md, or \`tolld config\`.`;

/** The package's version, from beside `src/` in a clone and from above `dist/src/` when built. */
function packageVersion(): string {
  for (const place of ['../package.json', '../../package.json']) {
    try {
      const text = readFileSync(new URL(place, import.meta.url), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'TOLLD_ENGINE_UNAVAILABLE',
  // Postgres: a wrong name or password, and a database that is not there.
  '28000',
  '28P01',
  '3D000',
]);
/** Postgres: a schema, table, column or function that is not there. */
const UNMIGRATED = new Set(['3F000', '42P01', '42703', '42883']);
/** Where a driver gives a failure to connect no code. */
const UNANSWERED = /^(?:timeout exceeded when trying to connect|Connection terminated)/;

const LOOK_AT_CONFIG = '(`tolld config` shows where it looks)';

/** An expected failure says itself what to do; anything else is a bug, and its stack is wanted. */
function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null;
  // Every address of a host name was tried: the errors tell more than the one around them.
  const message =
    error instanceof AggregateError && error.message === ''
      ? error.errors
          .map((inner) => (inner instanceof Error ? inner.message : String(inner)))
          .join(', ')
      : error.message;
  if (code !== null && UNMIGRATED.has(code)) {
    return `${message}; has \`tolld migrate\` of this version been run on this Postgres?`;
  }
  if (code !== null) return UNREACHABLE.has(code) ? `${message} ${LOOK_AT_CONFIG}` : message;
  if (error.name === 'ReplyError') return `Redis answers: ${message} ${LOOK_AT_CONFIG}`;
  if (UNANSWERED.test(message)) return `Postgres does not answer: ${message} ${LOOK_AT_CONFIG}`;
  return error.stack ?? message;
}

export interface MainDependencies {
  readonly terminal?: Terminal;
  readonly environment?: Environment;
}

/**
 * Runs one command line, without the program's own name.
 * @returns the exit code for the process.
 */
export async function main(
  args: readonly string[],
  { terminal = processTerminal(), environment = processEnvironment() }: MainDependencies = {},
): Promise<ExitCode> {
  let exitCode = EXIT.done as ExitCode;
  const program = new Command('tolld');
  const context = createCommandContext({
    terminal,
    environment,
    configFile: () => program.opts<{ config?: string }>().config,
    setExitCode: (code) => {
      exitCode = code;
    },
  });
  program
    .description('Real-time online charging system: Diameter Gy/Ro over one atomic balance engine')
    .version(packageVersion())
    .option('-c, --config <file>', 'YAML or JSON file with settings (also: TOLLD_CONFIG)')
    .addHelpText('after', EXIT_CODES_HELP)
    .addCommand(serveCommand(context))
    .addCommand(loadCommand(context))
    .addCommand(migrateCommand(context))
    .addCommand(accountCommand(context))
    .addCommand(eventsCommand(context))
    .addCommand(nasCommand(context))
    .addCommand(sessionCommand(context))
    .addCommand(rejectsCommand(context))
    .addCommand(verifyCommand(context))
    .addCommand(reconcileCommand(context))
    .addCommand(rebuildCommand(context))
    .addCommand(simulateCommand(context))
    .addCommand(configCommand(context));
  quietly([program, ...program.commands], terminal);

  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // A command's own: its flags contradict each other, which Commander doesn't know.
    if (error instanceof InvalidArgumentError) {
      terminal.note(`error: ${error.message}`);
      return EXIT.usage;
    }
    // Commander has written what it has to say, help and version included.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    terminal.note(`tolld: ${describeFailure(error)}`);
    // A check that broke off has said so before: neither fine nor wrong.
    return error instanceof ConfigError || exitCode === EXIT.usage ? EXIT.usage : EXIT.failed;
  }
}

/** Makes commands, and commands of commands, throw instead of ending the process. */
function quietly(commands: readonly Command[], terminal: Terminal): void {
  for (const command of commands) {
    command.exitOverride();
    command.configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.note(text.trimEnd()),
    });
    command.showHelpAfterError('(--help shows what there is)');
    if (command.parent !== null) quietly(command.commands, terminal);
  }
}
