import { describe, expect, test } from 'vitest';
import { Marks } from '../../../src/outbox/marks.js';

const at = (n: number) => ({ epoch: 1, n });

/** Tells, and collects what was told. */
function teller(): {
  told: string[];
  tell: (partition: number, id: { n: number }) => Promise<void>;
} {
  const told: string[] = [];
  return {
    told,
    tell: async (partition, { n }) => {
      told.push(`${partition}:${n}`);
    },
  };
}

describe('marks', () => {
  test('are due at once, and then only after some rounds', async () => {
    const marks = new Marks({ intervalMs: 10 });
    const { told, tell } = teller();
    expect(marks.isDue(1_000)).toBe(false);
    marks.note(3, at(1));
    expect(marks.isDue(1_000)).toBe(true);
    await marks.tellAll(1_000, tell);
    marks.note(3, at(2));
    marks.note(3, at(4));
    expect([marks.isDue(1_010), marks.isDue(1_049), marks.isDue(1_050)]).toEqual([
      false,
      false,
      true,
    ]);
    await marks.tellAll(1_050, tell);
    expect(told).toEqual(['3:1', '3:4']);
    expect(marks.isDue(9_000)).toBe(false);
  });

  test('are not told of a partition that another goes on with', async () => {
    const marks = new Marks({ intervalMs: 10 });
    const { told, tell } = teller();
    marks.note(1, at(5));
    marks.note(2, at(5));
    marks.forget(1);
    await marks.tellAll(0, tell);
    expect(told).toEqual(['2:5']);
  });

  test('are kept where telling failed, and where more came meanwhile', async () => {
    const marks = new Marks({ intervalMs: 10 });
    const { told, tell } = teller();
    marks.note(1, at(5));
    const failing = marks.tellAll(0, () => Promise.reject(new Error('away')));
    await expect(failing).rejects.toThrow('away');
    await marks.tellAll(50, async (partition, offset) => {
      marks.note(1, at(6));
      await tell(partition, offset);
    });
    await marks.tellAll(100, tell);
    expect(told).toEqual(['1:5', '1:6']);
  });
});
