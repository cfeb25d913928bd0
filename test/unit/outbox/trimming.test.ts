import { describe, expect, test } from 'vitest';
import { TrimPlan } from '../../../src/outbox/trimming.js';

const at = (n: number) => ({ epoch: 1, n });

describe('a trim plan', () => {
  test('names an offset once it has been recorded for long enough, and once only', () => {
    const plan = new TrimPlan({ keepMs: 1_000 });
    plan.recorded(0, at(5), 0);
    expect(plan.due(999)).toEqual(new Map());
    expect(plan.due(1_000)).toEqual(new Map([[0, at(5)]]));
    expect(plan.due(2_000)).toEqual(new Map());
  });

  test('never names what was recorded later', () => {
    const plan = new TrimPlan({ keepMs: 1_000 });
    for (let now = 0; now <= 3_000; now += 10) plan.recorded(0, at(now), now);
    const due = plan.due(3_000).get(0);
    expect(due?.n).toBeLessThanOrEqual(2_000);
    expect(due?.n).toBeGreaterThan(1_900);
  });

  test('names the last offset of a burst', () => {
    const plan = new TrimPlan({ keepMs: 1_000 });
    plan.recorded(0, at(1), 0);
    plan.recorded(0, at(2), 1);
    plan.recorded(0, at(3), 2);
    expect(plan.due(1_001).get(0)).toEqual(at(1));
    expect(plan.due(1_002).get(0)).toEqual(at(3));
  });

  test('remembers few times for many offsets', () => {
    const plan = new TrimPlan({ keepMs: 1_000 });
    for (let n = 0; n < 100_000; n += 1) plan.recorded(0, at(n), n / 100);
    expect(plan.pending).toBeLessThan(40);
  });

  test('keeps partitions apart, and knows nothing to trim of an empty one', () => {
    const plan = new TrimPlan({ keepMs: 10 });
    plan.recorded(0, at(7), 0);
    plan.recorded(1, { epoch: 3, n: -1 }, 0);
    plan.recorded(2, at(9), 5);
    expect(plan.due(10)).toEqual(new Map([[0, at(7)]]));
    expect(plan.due(15)).toEqual(new Map([[2, at(9)]]));
  });
});
