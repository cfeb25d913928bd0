import { describe, expect, it } from 'vitest';
import { conclusionOf } from '../../../src/steering/conclusion.js';

const options = { retryMs: 100, retryMaxMs: 5_000, attemptsMax: 5 };

describe('what follows an attempt', () => {
  it('waits four times as long each time, up to the most, and then gives up', () => {
    const waits = [1, 2, 3, 4, 5].map(
      (attempt) => conclusionOf({ outcome: 'unanswered' }, attempt, options).againMs,
    );
    expect(waits).toEqual([100, 400, 1_600, 5_000, null]);
  });

  it.each([
    [{ outcome: 'accepted', detail: '2001' }, null],
    [{ outcome: 'unknown-session', detail: '5002' }, null],
    [{ outcome: 'refused', detail: '5012', again: false }, null],
    [{ outcome: 'refused', detail: '3004', again: true }, 100],
    [{ outcome: 'unreachable' }, 100],
    [{ outcome: 'not-supported' }, null],
  ] as const)('of %o is another one after %o ms', (result, againMs) => {
    const conclusion = conclusionOf(result, 1, options);
    expect(conclusion.againMs).toBe(againMs);
    expect(conclusion.outcome).toBe(result.outcome);
    expect(conclusion.detail).toBe('detail' in result ? result.detail : null);
  });
});
