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

test('a counter has a value for each set of its labels, however it is named', async () => {
  const metrics = createMetrics({ processMetrics: false });
  const replies = metrics.counter({
    name: 'tolld_replies_total',
    help: 'Replies.',
    labels: ['code', 'result'],
  });
  replies.inc({ code: 'a', result: 1 });
  replies.inc({ result: 1, code: 'a' }, 2);
  replies.labels('a', 2).inc();
  replies.labels('b', '1').inc(3);
  replies.inc({ code: 'b', result: '1' });
  expect(await metrics.exposition()).toBe(
    [
      '# HELP tolld_replies_total Replies.',
      '# TYPE tolld_replies_total counter',
      'tolld_replies_total{code="a",result="1"} 3',
      'tolld_replies_total{code="a",result="2"} 1',
      'tolld_replies_total{code="b",result="1"} 4',
      '',
    ].join('\n'),
  );
});

test('each bucket of a histogram holds the observations of those below it, its bound included', async () => {
  const metrics = createMetrics({ processMetrics: false });
  const latency = metrics.histogram({
    name: 'tolld_answer_seconds',
    help: 'Time to answer.',
    labels: ['kind'],
    buckets: [0.25, 0.5, 1],
  });
  for (const seconds of [0.125, 0.5, 0.75, 8]) latency.observe({ kind: 'login' }, seconds);
  expect(await metrics.exposition()).toBe(
    [
      '# HELP tolld_answer_seconds Time to answer.',
      '# TYPE tolld_answer_seconds histogram',
      'tolld_answer_seconds_bucket{le="0.25",kind="login"} 1',
      'tolld_answer_seconds_bucket{le="0.5",kind="login"} 2',
      'tolld_answer_seconds_bucket{le="1",kind="login"} 3',
      'tolld_answer_seconds_bucket{le="+Inf",kind="login"} 4',
      'tolld_answer_seconds_sum{kind="login"} 9.375',
      'tolld_answer_seconds_count{kind="login"} 4',
      '',
    ].join('\n'),
  );
});

test('a metric without labels is there before anything happened', async () => {
  const metrics = createMetrics({ processMetrics: false });
  metrics.histogram({ name: 'tolld_wait_seconds', help: 'Wait.', buckets: [1] });
  metrics.counter({ name: 'tolld_replies_total', help: 'Replies.', labels: ['code'] });
  const text = await metrics.exposition();
  expect(text).toContain('tolld_wait_seconds_count 0');
  expect(text).not.toContain('tolld_replies_total{');
});

test('a timer observes the seconds since its start', async () => {
  const metrics = createMetrics({ processMetrics: false });
  const options = { name: 'tolld_wait_seconds', help: 'Wait.', buckets: [60] };
  const waits = metrics.histogram({ ...options, labels: ['kind'] });
  waits.startTimer({ kind: 'login' })();
  expect(await metrics.exposition()).toContain('_bucket{le="60",kind="login"} 1');
});

test('no two metrics have one name', () => {
  const metrics = createMetrics({ processMetrics: false });
  metrics.counter({ name: 'tolld_things_total', help: 'Things.' });
  expect(() => metrics.counter({ name: 'tolld_things_total', help: 'Others.' })).toThrow('already');
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
