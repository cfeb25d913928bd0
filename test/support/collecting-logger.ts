/** A logger that keeps its lines for a test to look at. */
import type { LogFields, LogLevel, Logger, LogMethod } from '../../src/observability/logger.js';

export interface CollectedLine {
  readonly level: LogLevel;
  readonly fields: LogFields;
  readonly message: string;
}

export function collectingLogger(): { readonly logger: Logger; readonly lines: CollectedLine[] } {
  const lines: CollectedLine[] = [];
  const method =
    (level: LogLevel): LogMethod =>
    (fields, message) => {
      lines.push({ level, fields, message });
    };
  const logger: Logger = {
    trace: method('trace'),
    debug: method('debug'),
    info: method('info'),
    warn: method('warn'),
    error: method('error'),
    fatal: method('fatal'),
    child: () => logger,
    isLevelEnabled: () => true,
  };
  return { logger, lines };
}
