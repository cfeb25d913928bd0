/** The metrics of the RADIUS front. Labels are packet codes and reasons, both small and known. */
import type { Counter, Gauge, Histogram, Metrics } from '../observability/metrics.js';
import { LATENCY_BUCKETS_SECONDS } from '../observability/metrics.js';

export interface RadiusMetrics {
  readonly received: Counter<'code'>;
  readonly replied: Counter<'code'>;
  readonly dropped: Counter<'reason'>;
  readonly repeated: Counter<'code'>;
  readonly unprotected: Counter;
  readonly latency: Histogram<'code'>;
  readonly pending: Gauge;
  readonly tlsConnections: Gauge;
}

export interface SteeringMetrics {
  readonly orders: Counter<'code' | 'outcome'>;
  readonly resent: Counter;
  readonly badReplies: Counter;
}

export function createRadiusMetrics(metrics: Metrics): RadiusMetrics {
  return {
    received: metrics.counter({
      name: 'tolld_radius_requests_total',
      help: 'Genuine RADIUS requests by packet code, duplicates included.',
      labels: ['code'],
    }),
    replied: metrics.counter({
      name: 'tolld_radius_replies_total',
      help: 'RADIUS replies sent by packet code, repeated ones left out.',
      labels: ['code'],
    }),
    dropped: metrics.counter({
      name: 'tolld_radius_dropped_total',
      help: 'RADIUS packets left without an answer, by reason.',
      labels: ['reason'],
    }),
    repeated: metrics.counter({
      name: 'tolld_radius_repeated_replies_total',
      help: 'RADIUS replies sent again to a resent request, by packet code.',
      labels: ['code'],
    }),
    unprotected: metrics.counter({
      name: 'tolld_radius_unprotected_requests_total',
      help: 'Access-Requests accepted without a Message-Authenticator under the policy auto.',
    }),
    latency: metrics.histogram({
      name: 'tolld_radius_request_seconds',
      help: 'Seconds from a RADIUS request to its reply, by packet code.',
      labels: ['code'],
      buckets: LATENCY_BUCKETS_SECONDS,
    }),
    pending: metrics.gauge({
      name: 'tolld_radius_pending_requests',
      help: 'RADIUS requests that wait for their answer.',
    }),
    tlsConnections: metrics.gauge({
      name: 'tolld_radius_tls_connections',
      help: 'Open connections of RADIUS over TLS.',
    }),
  };
}

export function createSteeringMetrics(metrics: Metrics): SteeringMetrics {
  return {
    orders: metrics.counter({
      name: 'tolld_radius_steering_total',
      help: 'Orders to change or end a session, by packet code and what became of them.',
      labels: ['code', 'outcome'],
    }),
    resent: metrics.counter({
      name: 'tolld_radius_steering_resent_total',
      help: 'CoA- and Disconnect-Requests sent again for want of an answer.',
    }),
    badReplies: metrics.counter({
      name: 'tolld_radius_steering_bad_replies_total',
      help: 'Replies to CoA- and Disconnect-Requests that are not genuine.',
    }),
  };
}
