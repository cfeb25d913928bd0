/**
 * Network access, decided and recorded: what the RADIUS front asks. Nothing is kept here between
 * two requests; any process may answer any of them.
 */
import type { Engine } from '../../charging/engine.js';
import { createLoginFailures, type LoginFailuresOptions } from '../../charging/login-failures.js';
import type {
  AccessDecision,
  AccessHandler,
  AccountingHandler,
  AccountingOutcome,
} from '../../domain/access.js';
import type { Logger } from '../../observability/logger.js';
import type { SecretBox } from '../../secret-box.js';
import type { CatalogHolder } from '../catalog-holder.js';
import type { AccessMetrics } from './access-metrics.js';
import { createAccessSubjects } from './access-subject.js';
import { createAccounting, type Accounting } from './accounting.js';
import { createAdmission } from './admission.js';

export interface AccessControlOptions {
  readonly partitions: number;
  /** Reports in a row that a session may miss before it is taken for gone. */
  readonly missedReportsMax: number;
  readonly lockOut: LoginFailuresOptions;
}

export interface AccessControlDependencies {
  readonly engine: Engine;
  readonly catalog: CatalogHolder;
  readonly secrets: SecretBox;
  readonly logger: Logger;
  readonly metrics: AccessMetrics;
  readonly clock: () => number;
  readonly refusesSessions?: () => string | null;
}

export interface AccessControl {
  readonly access: AccessHandler;
  readonly accounting: AccountingHandler;
  /** Ends a session without a word of its NAS. */
  readonly end: Accounting['end'];
}

export function createAccessControl(
  options: AccessControlOptions,
  dependencies: AccessControlDependencies,
): AccessControl {
  const { engine, catalog, logger, metrics, clock } = dependencies;
  const subjects = createAccessSubjects({ engine });
  const accounting = createAccounting(options, {
    engine,
    catalog,
    subjects,
    logger,
    metrics,
    clock,
  });
  const decide = createAdmission({
    ...{ engine, catalog, subjects, logger, clock },
    secrets: dependencies.secrets,
    failures: createLoginFailures(options.lockOut, { engine }),
    refusesSessions: dependencies.refusesSessions ?? (() => null),
    cancel: (partition, sessionId) => accounting.end(partition, sessionId, 'no-address'),
  });

  return {
    access: async (request): Promise<AccessDecision> => {
      const endTimer = metrics.decisionSeconds.startTimer({ kind: 'login' });
      try {
        const decision = await decide(request);
        const outcome = decision.kind === 'rejected' ? decision.reason : decision.kind;
        metrics.logins.inc({ outcome });
        return decision;
      } catch (error) {
        metrics.failures.inc();
        logger.warn({ err: error, nas: request.nas }, 'login not decided');
        return { kind: 'unavailable' };
      } finally {
        endTimer();
      }
    },
    accounting: (report) => {
      const endTimer = metrics.decisionSeconds.startTimer(REPORT);
      const recorded = report.kind === 'nas' ? accounting.nas(report) : accounting.session(report);
      // No async function: each makes several objects, and reports are the most of what comes.
      return recorded.then(
        (outcome) => {
          const status = report.kind === 'nas' ? report.change : report.status;
          metrics.reports.inc({ status, outcome: outcome.kind });
          endTimer();
          return outcome;
        },
        (error: unknown): AccountingOutcome => {
          metrics.failures.inc();
          logger.warn({ err: error, nas: report.nas }, 'report not recorded');
          endTimer();
          return { kind: 'unavailable' };
        },
      );
    },
    end: (...args) => accounting.end(...args),
  };
}

const REPORT = { kind: 'report' } as const;
