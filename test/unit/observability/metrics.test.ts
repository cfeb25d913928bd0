import { expect, test } from 'vitest';
import { createMetrics } from '../../../src/observability/metrics.js';

test('metrics appear in the exposition with their labels', async () => {
  const metrics = createMetrics({ processMetrics: false });
  const requests = metrics.counter({
    name: 'tolld_gy_requests_total',
    help: 'Requests answered.',
    labels: ['phase'],
  });
  requests.inc({ phase: 'initial' });
  const latency = metrics.histogram({
    name: 'tolld_gy_answer_seconds',
    help: 'Time to answer.',
    buckets: [0.001, 0.1],
  });
  latency.observe(0.05);
  const text = await metrics.exposition();
  expect(text).toContain('tolld_gy_requests_total{phase="initial"} 1');
  expect(text).toContain('tolld_gy_answer_seconds_bucket{le="0.1"} 1');
});

test('a collected gauge is set when it is read', async () => {
  const metrics = createMetrics({ processMetrics: false });
  let lag = 4;
  metrics.gauge({
    name: 'tolld_outbox_lag_entries',
    help: 'Entries not yet in Postgres.',
    collect: (gauge) => gauge.set(lag),
  });
  expect(await metrics.exposition()).toContain('tolld_outbox_lag_entries 4');
  lag = 0;
  expect(await metrics.exposition()).toContain('tolld_outbox_lag_entries 0');
});

test('two registries of one process share nothing', async () => {
  const first = createMetrics({ processMetrics: false });
  const second = createMetrics({ processMetrics: false });
  for (const metrics of [first, second]) {
    metrics.counter({ name: 'tolld_things_total', help: 'Things.' });
  }
  expect(await second.exposition()).toContain('tolld_things_total 0');
});

test('process metrics come along when asked for', async () => {
  expect(await createMetrics({ processMetrics: true }).exposition()).toContain('nodejs_eventloop');
  expect(await createMetrics({ processMetrics: false }).exposition()).not.toContain('nodejs_');
});

test.each([
  ['requests_total', 'begins with tolld_'],
  ['tolld_Requests_total', 'lower case'],
  ['tolld_requests', 'ends with _total'],
  ['tolld_wait_ms_total', 'base units'],
])('the counter name %s is refused', (name, reason) => {
  const metrics = createMetrics({ processMetrics: false });
  expect(() => metrics.counter({ name, help: 'x' })).toThrow(reason);
});

test.each(['tolld_wait_ms', 'tolld_memory_mb', 'tolld_things_total'])(
  'the gauge name %s is refused',
  (name) => {
    const metrics = createMetrics({ processMetrics: false });
    expect(() => metrics.gauge({ name, help: 'x' })).toThrow(name);
  },
);
