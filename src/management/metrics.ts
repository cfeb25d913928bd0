import type { CreditOutcome } from '../charging/provisioning.js';
import type { Counter, Metrics } from '../observability/metrics.js';

export interface ManagementMetrics {
  readonly intents: Counter<'outcome'>;
  readonly accountsPublished: Counter;
  readonly accountsFailed: Counter;
  readonly accountsRepaired: Counter;
}

const OUTCOMES: readonly CreditOutcome['kind'][] = [
  'applied',
  'repeated',
  'refused',
  'out-of-order',
  'unknown-account',
];

export function createManagementMetrics(metrics: Metrics): ManagementMetrics {
  return {
    intents: metrics.counter<'outcome'>({
      name: 'tolld_management_intents_total',
      help: `Intents sent to Redis, by outcome: ${OUTCOMES.join(', ')}.`,
      labels: ['outcome'],
    }),
    accountsPublished: metrics.counter({
      name: 'tolld_management_accounts_published_total',
      help: 'Accounts whose header and profiles were brought to Redis.',
    }),
    accountsFailed: metrics.counter({
      name: 'tolld_management_accounts_failed_total',
      help: 'Tries to bring an account to Redis that failed and are repeated.',
    }),
    accountsRepaired: metrics.counter({
      name: 'tolld_management_accounts_repaired_total',
      help: 'Accounts whose profiles in Redis were not those of the record.',
    }),
  };
}
