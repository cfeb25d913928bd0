import type { Comparison } from '../records/recoveries.js';
import type { Metrics } from '../observability/metrics.js';

const VERDICTS: readonly Comparison['verdict'][] = ['equal', 'ahead', 'behind'];

export interface RecoveryMetrics {
  /** Partitions that wait for their comparison, or for somebody to fill Redis. */
  closed(partitions: number): void;
  opened(
    verdict: Comparison['verdict'],
    accounts: { readonly restored: number; readonly setAside: number },
  ): void;
  lost(entries: number): void;
  failed(): void;
}

export function createRecoveryMetrics(metrics: Metrics): RecoveryMetrics {
  const closed = metrics.gauge({
    name: 'tolld_recovery_closed_partitions',
    help: 'Partitions that are closed until Redis has been compared with the record.',
  });
  const openings = metrics.counter({
    name: 'tolld_recovery_openings_total',
    help: 'Partitions that this process compared with the record and opened, by what it found.',
    labels: ['verdict'],
  });
  const restored = metrics.counter({
    name: 'tolld_recovery_restored_accounts_total',
    help: 'Accounts that were brought back to where the record has them.',
  });
  const aside = metrics.counter({
    name: 'tolld_recovery_set_aside_accounts_total',
    help: 'Accounts that could not be read in Redis and were brought back from the record.',
  });
  const lost = metrics.counter({
    name: 'tolld_recovery_lost_entries_total',
    help: 'Entries seen in a stream that neither Redis nor the record has any more.',
  });
  const failures = metrics.counter({
    name: 'tolld_recovery_failures_total',
    help: 'Comparisons that could not be made and are tried again.',
  });
  for (const verdict of VERDICTS) openings.inc({ verdict }, 0);
  return {
    closed: (partitions) => closed.set(partitions),
    opened: (verdict, accounts) => {
      openings.inc({ verdict });
      restored.inc(accounts.restored);
      aside.inc(accounts.setAside);
    },
    lost: (entries) => lost.inc(entries),
    failed: () => failures.inc(),
  };
}
