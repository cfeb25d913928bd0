/**
 * Starting while Redis or Postgres are not there yet: after a reboot they may come up behind us, or be
 * too busy at first to answer in time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineUnavailableError, isTransientReply } from '../charging/engine.js';
import type { Logger } from '../observability/logger.js';

export interface PatientStartOptions {
  /** From the first try to the last. */
  readonly waitMs: number;
  /** Between two tries; default 500. */
  readonly pauseMs?: number;
  /** Ends the wait: the start then fails as its last try did. */
  readonly signal: AbortSignal;
}

/**
 * Starts, and again while what it needs does not answer. Each try must close what it has opened.
 * @throws what the last try threw; at once where waiting would change nothing.
 */
export async function startPatiently<Started>(
  { waitMs, pauseMs = 500, signal }: PatientStartOptions,
  { start, logger }: { readonly start: () => Promise<Started>; readonly logger: Logger },
): Promise<Started> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      const leftMs = deadline - Date.now();
      if (!isSilence(error) || leftMs <= 0 || signal.aborted) throw error;
      logger.warn(
        { err: error, leftMs },
        'Redis or Postgres does not answer in time; the start waits for it',
      );
      await sleep(Math.min(pauseMs, leftMs), undefined, { signal }).catch(() => undefined);
    }
  }
}

/** Of a connection that could not be made, or ended before an answer came. */
const SILENT_CODES: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  // Postgres: cannot_connect_now, while it starts or recovers.
  '57P03',
]);

/** The drivers give such failures no code. */
const SILENT_MESSAGES = [
  // An engine that is unavailable, as the outbox thread tells of it: its class is lost on the way.
  'Redis gave no reply in time',
  'Command timed out',
  'Connection is closed',
  'Socket timeout',
  "Stream isn't writeable",
  'Failed to refresh slots cache',
  'None of startup nodes is available',
  'All sentinels are unreachable',
  'timeout exceeded when trying to connect',
  'Connection terminated',
];

/** Whether an error says that nobody answered, and not what the answer was. */
function isSilence(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof EngineUnavailableError || isTransientReply(error)) return true;
  const { code, message } = error as NodeJS.ErrnoException;
  return SILENT_CODES.has(code) || SILENT_MESSAGES.some((each) => message.includes(each));
}
