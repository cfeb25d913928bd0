import { expect, test } from 'vitest';
import { createMetrics } from '../../../src/observability/metrics.js';
import type { BacklogMeasure } from '../../../src/outbox/backlog.js';
import { createOutboxMetrics } from '../../../src/outbox/metrics.js';

const measure = (diskRoom: number | null): BacklogMeasure => ({
  ...{ entries: 0, oldestAgeSeconds: 0, arrivingPerSecond: null, memoryRatio: 0, diskRoom },
});

test('the room on the disk of Redis has a value while it is known, and else none', async () => {
  const metrics = createMetrics({ processMetrics: false });
  const outbox = createOutboxMetrics(metrics);
  const shown = async (): Promise<string | undefined> =>
    /^tolld_redis_disk_room_ratio (.*)$/m.exec(await metrics.exposition())?.[1];
  expect(await shown()).toBeUndefined();
  outbox.backlog(measure(1.5), 'ok');
  expect(await shown()).toBe('1.5');
  outbox.backlog(measure(null), 'ok');
  expect(await shown()).toBeUndefined();
});

test('a process that flushes nothing has no pace', async () => {
  const metrics = createMetrics({ processMetrics: false });
  const outbox = createOutboxMetrics(metrics);
  expect(await metrics.exposition()).not.toMatch(/^tolld_outbox_pace_ratio /m);
  outbox.pace(0.5);
  expect(await metrics.exposition()).toMatch(/^tolld_outbox_pace_ratio 0.5$/m);
});
