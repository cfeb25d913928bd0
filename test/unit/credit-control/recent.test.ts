import { describe, expect, it } from 'vitest';
import { createRecent } from '../../../src/credit-control/recent.js';

describe('recent entries', () => {
  it('keep what is used and lose what is not', () => {
    const recent = createRecent<number, string>({ entriesMax: 4 });
    recent.set(0, 'zero');
    for (let key = 1; key <= 9; key += 1) {
      recent.set(key, String(key));
      expect(recent.get(0)).toBe('zero');
    }
    expect(recent.get(1)).toBeUndefined();
    expect(recent.get(9)).toBe('9');
  });

  it('forget what is deleted, in either generation', () => {
    const recent = createRecent<string, number>({ entriesMax: 2 });
    recent.set('old', 1);
    recent.set('young', 2);
    recent.delete('old');
    recent.delete('young');
    expect(recent.get('old')).toBeUndefined();
    expect(recent.get('young')).toBeUndefined();
  });

  it('never hold more than they may', () => {
    const recent = createRecent<number, number>({ entriesMax: 10 });
    for (let key = 0; key < 1000; key += 1) recent.set(key, key);
    const held = Array.from({ length: 1000 }, (_, key) => key).filter(
      (key) => recent.get(key) !== undefined,
    );
    expect(held.length).toBeLessThanOrEqual(10);
  });
});
