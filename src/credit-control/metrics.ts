import type { CreditControlOutcome, CreditControlRequest } from '../domain/credit-control.js';
import {
  LATENCY_BUCKETS_SECONDS,
  type Counter,
  type Histogram,
  type Metrics,
} from '../observability/metrics.js';

export interface CreditControlMetrics {
  readonly decisionSeconds: Histogram<'protocol'>;
  readonly settledWithoutMemory: Counter;
  readonly failures: Counter;
  /** Counts a request by what became of it. */
  count(request: CreditControlRequest, outcome: CreditControlOutcome): void;
}

export function createCreditControlMetrics(metrics: Metrics): CreditControlMetrics {
  const requests = metrics.counter({
    name: 'tolld_credit_control_requests_total',
    help: 'Requests decided, by protocol, phase and outcome.',
    labels: ['protocol', 'phase', 'outcome'],
  });
  const services = metrics.counter({
    name: 'tolld_credit_control_services_total',
    help: 'Services of answered requests, by result.',
    labels: ['protocol', 'result'],
  });
  return {
    decisionSeconds: metrics.histogram({
      name: 'tolld_credit_control_decision_seconds',
      help: 'Time from a request to its durable decision.',
      labels: ['protocol'],
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
    settledWithoutMemory: metrics.counter({
      name: 'tolld_credit_control_settled_without_memory_total',
      help: 'Reports that were taken while Redis was out of memory; nothing was granted.',
    }),
    failures: metrics.counter({
      name: 'tolld_credit_control_failures_total',
      help: 'Requests that could not be decided: Redis away, out of memory, or a fault of ours.',
    }),
    count: (request, outcome) => {
      const { protocol, phase } = request;
      if (outcome.kind === 'refused') {
        requests.inc({ protocol, phase, outcome: outcome.refusal });
        return;
      }
      requests.inc({ protocol, phase, outcome: outcome.repeated ? 'repeated' : 'answered' });
      for (const service of outcome.services) services.inc({ protocol, result: service.result });
    },
  };
}
