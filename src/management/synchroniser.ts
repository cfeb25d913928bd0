/**
 * Brings what management wrote to the engine: the catalog, accounts, balances, profiles. Every
 * process may run one; each finishes what another left behind.
 */
import type { Logger } from '../observability/logger.js';
import type { Metrics } from '../observability/metrics.js';
import { createIntentApplier, type ApplyProgress } from './balances/intent-applier.js';
import { createProfileAudit } from './balances/profile-audit.js';
import { createCatalogPublisher } from './catalog/catalog-publisher.js';
import { createRateChangeNotice } from './catalog/rate-change-notice.js';
import { advanceTransfers } from './balances/transfer.js';
import type { EngineFace } from './engine-face.js';
import { createManagementMetrics } from './metrics.js';
import type { Transact } from './transaction.js';

export interface SynchroniserOptions {
  /** How often the record is looked at. */
  readonly intervalMs: number;
  /** How often a part of what stands in Redis is compared with the record. */
  readonly auditIntervalMs: number;
  /** Sessions asked to come back after a change of their rates, each second; 0 for none. */
  readonly reAuthorisationsPerSecond: number;
}

export const SYNCHRONISER_DEFAULTS: SynchroniserOptions = Object.freeze({
  /** A top-up should work before the subscriber has put the phone back. */
  intervalMs: 500,
  auditIntervalMs: 10_000,
  reAuthorisationsPerSecond: 100,
});

const LIMITS = {
  /** Accounts locked in one transaction: a few milliseconds of Redis. */
  batchAccountsMax: 100,
  /** Events arrive in well under a second; a Redis that forgot an intent is noticed by then. */
  resendAfterMs: 30_000,
  resendAfterMaxMs: 240_000,
  /** Some thousand reads each ten seconds. */
  auditAccountsMax: 500,
} as const;

export interface SynchroniserDependencies {
  readonly transact: Transact;
  readonly engine: EngineFace;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: () => number;
}

export interface SyncReport {
  readonly configVersion: number | null;
  readonly accounts: number;
  /** Accounts that could not be brought over yet. */
  readonly failed: number;
}

export interface Synchroniser {
  start(): void;
  /** Does all that is due now. @throws when Postgres or Redis is away. */
  runOnce(progress?: ApplyProgress): Promise<SyncReport>;
  /** Looks at once, not when the interval is over. */
  wake(): void;
  /** Ends after the round under way. */
  stop(): Promise<void>;
}

export function createSynchroniser(
  options: SynchroniserOptions,
  dependencies: SynchroniserDependencies,
): Synchroniser {
  const { transact, engine, logger, clock } = dependencies;
  const metrics = createManagementMetrics(dependencies.metrics);
  const publisher = createCatalogPublisher({ transact, engine, logger, clock });
  const notice = createRateChangeNotice(
    { perSecond: options.reAuthorisationsPerSecond },
    { transact, engine },
  );
  const applier = createIntentApplier(LIMITS, {
    transact,
    engine,
    logger,
    metrics,
    clock,
  });
  const audit = createProfileAudit(
    { accountsMax: LIMITS.auditAccountsMax },
    { transact, engine, metrics },
  );
  const stopping = new AbortController();
  let wakeUp: () => void = () => undefined;
  /** Somebody waits for what was just written. */
  let isWoken = false;
  let running: Promise<void> = Promise.resolve();
  let auditedAt = clock();
  let isFirst = true;
  let failure: string | null = null;

  async function runOnce(progress?: ApplyProgress): Promise<SyncReport> {
    const auditDue = clock() - auditedAt >= options.auditIntervalMs;
    // The catalog first: an account that can be found must be ratable.
    const configVersion = await publisher.publish({ check: auditDue || isFirst });
    isFirst = false;
    if (auditDue) {
      await audit.advance();
      auditedAt = clock();
    }
    await advanceTransfers(transact, { clock, logger });
    const applied = await applier.runOnce(progress);
    await notice.advance();
    return { configVersion, ...applied };
  }

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        wakeUp = () => {
          isWoken = true;
          resolve();
        };
      });
      try {
        const isPatient = !isWoken;
        isWoken = false;
        await runOnce({ isPatient });
        if (failure !== null) logger.info({}, 'configuration is brought to redis again');
        failure = null;
      } catch (error) {
        // Once for each cause: it is tried again twice a second, for as long as a server is away.
        const cause = String(error);
        if (cause !== failure) {
          logger.warn({ err: error }, 'configuration not brought to redis; it is tried again');
        }
        failure = cause;
      }
      if (!stopping.signal.aborted) await Promise.race([woken, pause(options.intervalMs)]);
    }
  }

  async function pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        stopping.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      stopping.signal.addEventListener('abort', done);
    });
  }

  return {
    start: () => {
      running = loop();
    },
    runOnce,
    wake: () => wakeUp(),
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
