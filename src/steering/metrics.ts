import type { Counter, Metrics } from '../observability/metrics.js';

export interface SteeringMetrics {
  readonly attempts: Counter<'protocol' | 'kind' | 'outcome'>;
}

export function createSteeringMetrics(metrics: Metrics): SteeringMetrics {
  return {
    attempts: metrics.counter({
      name: 'tolld_steering_attempts_total',
      help: 'Attempts to steer live sessions, by protocol, kind and what became of them.',
      labels: ['protocol', 'kind', 'outcome'],
    }),
  };
}
