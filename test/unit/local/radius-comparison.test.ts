import { expect, test } from 'vitest';
import { usageDifferences } from '../../../src/local/radius-simulator/comparison.js';
import type { RadiusTallySession } from '../../../src/local/radius-simulator/simulator.js';

const usage = (downloadOctets: number) => ({ uploadOctets: 10, downloadOctets, seconds: 60 });

function session(id: string, reported: number, used = reported): RadiusTallySession {
  return {
    acctSessionId: id,
    userName: 'anna',
    end: 'finished',
    certain: reported === used,
    reported: usage(reported),
    used: usage(used),
  };
}

test('what was charged must be what was used, within what nobody can know', () => {
  const tally = [session('same', 100), session('less', 100), session('open', 100, 200)];
  const charged = new Map([
    ['same', 110n],
    ['less', 109n],
    ['open', 150n],
  ]);
  expect(usageDifferences(tally, (id) => charged.get(id) ?? 0n, 'total')).toEqual([
    { acctSessionId: 'less', userName: 'anna', least: 110n, most: 110n, charged: 109n },
  ]);
  const [open] = usageDifferences([session('open', 100, 200)], () => 201n, 'download');
  expect(open).toMatchObject({ least: 100n, most: 200n, charged: 201n });
  expect(usageDifferences(tally, () => 60n, 'seconds')).toEqual([]);
  expect(usageDifferences(tally, () => 10n, 'upload')).toEqual([]);
});
