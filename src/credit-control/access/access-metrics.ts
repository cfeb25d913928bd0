import {
  LATENCY_BUCKETS_SECONDS,
  type Counter,
  type Histogram,
  type Metrics,
} from '../../observability/metrics.js';

export interface AccessMetrics {
  readonly logins: Counter<'outcome'>;
  readonly reports: Counter<'status' | 'outcome'>;
  readonly decisionSeconds: Histogram<'kind'>;
  readonly failures: Counter;
  readonly ended: Counter<'cause'>;
}

export function createAccessMetrics(metrics: Metrics): AccessMetrics {
  return {
    logins: metrics.counter({
      name: 'tolld_access_logins_total',
      help: 'Logins decided, by outcome: accepted, proven, unavailable, or why not.',
      labels: ['outcome'],
    }),
    reports: metrics.counter({
      name: 'tolld_access_reports_total',
      help: 'Reports of NAS, by status and by what became of them.',
      labels: ['status', 'outcome'],
    }),
    decisionSeconds: metrics.histogram({
      name: 'tolld_access_decision_seconds',
      help: 'Time from a login or a report to its durable decision.',
      labels: ['kind'],
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
    failures: metrics.counter({
      name: 'tolld_access_failures_total',
      help: 'Logins and reports that could not be decided and got no answer.',
    }),
    ended: metrics.counter({
      name: 'tolld_access_sessions_ended_total',
      help: 'Sessions that ended without a word of their NAS, by cause.',
      labels: ['cause'],
    }),
  };
}
