/** What the Diameter front counts. Labels are bounded: results, commands and declared peers. */
import {
  LATENCY_BUCKETS_SECONDS,
  type Counter,
  type Gauge,
  type Histogram,
  type Metrics,
} from '../observability/metrics.js';

export interface DiameterMetrics {
  readonly requests: Counter<'command' | 'result'>;
  readonly requestSeconds: Histogram;
  readonly inFlight: Gauge;
  readonly refusedConnections: Counter<'reason'>;
  readonly watchdogFailures: Counter<'peer'>;
  readonly serverRequests: Counter<'command' | 'result'>;
}

/** @param connections counts the open ones of each declared peer, those that have none included. */
export function createDiameterMetrics(
  metrics: Metrics,
  { connections }: { readonly connections: () => ReadonlyMap<string, number> },
): DiameterMetrics {
  metrics.gauge({
    name: 'tolld_diameter_connections',
    help: 'Open Diameter connections, by declared peer.',
    labels: ['peer'],
    collect: (gauge) => {
      gauge.reset();
      for (const [peer, count] of connections()) gauge.set({ peer }, count);
    },
  });
  return {
    requests: metrics.counter({
      name: 'tolld_diameter_requests_total',
      help: 'Diameter requests answered, by command and Result-Code.',
      labels: ['command', 'result'],
    }),
    requestSeconds: metrics.histogram({
      name: 'tolld_diameter_request_seconds',
      help: 'Time from the arrival of a Credit-Control-Request to its answer.',
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
    inFlight: metrics.gauge({
      name: 'tolld_diameter_in_flight_requests',
      help: 'Credit-Control-Requests that wait for their decision.',
    }),
    refusedConnections: metrics.counter({
      name: 'tolld_diameter_refused_connections_total',
      help: 'Diameter connections that were refused or dropped before they opened, by reason.',
      labels: ['reason'],
    }),
    watchdogFailures: metrics.counter({
      name: 'tolld_diameter_watchdog_failures_total',
      help: 'Diameter connections given up by the watchdog, by declared peer.',
      labels: ['peer'],
    }),
    serverRequests: metrics.counter({
      name: 'tolld_diameter_server_requests_total',
      help: 'Re-Auth and Abort-Session requests sent to gateways, by command and outcome.',
      labels: ['command', 'result'],
    }),
  };
}
