/** Structured logs: fields first, a short message second. `info` is a change of state. */
import { pino, stdTimeFunctions, type DestinationStream } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** An error goes under `err`: its stack and its code are kept. */
export type LogFields = Readonly<Record<string, unknown>>;
export type LogMethod = (fields: LogFields, message: string) => void;

/** What a folder is given to log with. Subscriber identities stay at `debug` and below. */
export interface Logger {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  readonly fatal: LogMethod;
  /** A logger that adds these fields to each of its lines. */
  child(fields: LogFields): Logger;
  /** Whether a line of this level would be written; ask before building costly fields. */
  isLevelEnabled(level: LogLevel): boolean;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Fields of every line, such as the node's name. */
  readonly fields?: LogFields;
}

export interface LoggerDependencies {
  /** Default: standard output, written before the call returns, so that a crash loses no line. */
  readonly destination?: DestinationStream;
}

/** Field names whose values never reach a log, at the top or one level down. */
const SECRET_FIELDS = [
  'password',
  'passphrase',
  'secret',
  'sharedSecret',
  'token',
  'apiKey',
  'authorization',
  'cookie',
  'url',
];

/** Makes the root logger of a process: JSON lines with `level` as a word and `time` in ISO 8601. */
export function createLogger(
  { level, fields = {} }: LoggerOptions,
  { destination }: LoggerDependencies = {},
): Logger {
  const options = {
    level,
    base: { ...fields },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`]),
      censor: '[secret]',
    },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
