import { describe, expect, it } from 'vitest';
import { runChaos } from '../../chaos/chaos.js';
import { PARTS } from '../../chaos/installation.js';

const SEED = Date.now() % 1_000_000;

describe('an installation under load', () => {
  it(`balances after kill -9 of each of its parts (seed ${SEED})`, async () => {
    const steps: string[] = [];
    const onStep = (line: string): void => void steps.push(line);
    const { faults, requests } = await runChaos({ kills: PARTS.length, seed: SEED, onStep });
    expect(faults, steps.join('\n')).toEqual([]);
    expect(requests).toBeGreaterThan(200);
  }, 300_000);
});
