/** What every command is given, and how it says what became of it. */
import { loadConfig, type Environment, type LoadedConfig } from '../config.js';
import type { Terminal } from './output.js';

/** Exit codes, as `tolld --help` explains them. */
export const EXIT = {
  done: 0,
  /** It was understood and could not be done, or a check found differences. */
  failed: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface CommandContext {
  readonly terminal: Terminal;
  readonly environment: Environment;
  /** Reads the configuration that `--config` and the environment describe. @throws ConfigError */
  readonly readConfig: () => LoadedConfig;
  /** The exit code of the process; done when no command says otherwise. */
  readonly setExitCode: (code: ExitCode) => void;
}

/** `configFile` is asked when the configuration is read: the command line is parsed by then. */
export function createCommandContext(options: {
  readonly terminal: Terminal;
  readonly environment: Environment;
  readonly configFile: () => string | undefined;
  readonly setExitCode: (code: ExitCode) => void;
}): CommandContext {
  const { terminal, environment, configFile, setExitCode } = options;
  return {
    terminal,
    environment,
    setExitCode,
    readConfig: () => loadConfig({ environment, file: configFile() }),
  };
}
