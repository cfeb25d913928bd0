import { describe, expect, inject, it } from 'vitest';
import { FAMILIES } from '../../chaos/blows.js';
import { runChaos } from '../../chaos/chaos.js';
import { PARTS } from '../../chaos/installation.js';
import type {} from '../../support/program.js';

const SEED = Date.now() % 1_000_000;
const NEEDS_MORE_SERVERS = ['failover', 'move'];
const OTHERS = FAMILIES.filter((each) => each !== 'kill' && !NEEDS_MORE_SERVERS.includes(each));
/** Each part killed alone, and one blow of each other family. */
const BLOWS = PARTS.length + OTHERS.length;

describe('an installation under load', () => {
  it(`balances after one blow of each kind (seed ${SEED})`, async () => {
    const steps: string[] = [];
    const onStep = (line: string): void => void steps.push(line);
    const { faults, requests } = await runChaos({
      program: inject('program'),
      ...{ kills: BLOWS, seed: SEED, onStep },
    });
    expect(faults, steps.join('\n')).toEqual([]);
    expect(requests).toBeGreaterThan(200);
  }, 600_000);
});
