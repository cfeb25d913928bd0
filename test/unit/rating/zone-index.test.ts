import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createZoneIndex } from '../../../src/rating/zone-index.js';

const zones = createZoneIndex([
  { id: 'germany', prefixes: ['49'], networks: ['262'] },
  { id: 'mobile', prefixes: ['4915', '4916', '4917'], networks: ['262-01', '26202'] },
  { id: 'premium', prefixes: ['49900', '1900'] },
  { id: 'usa', prefixes: ['1'], networks: ['310', '310-260'] },
]);

describe('the zones of a number', () => {
  it.each([
    ['4917012345', ['mobile', 'germany']],
    ['+4917012345', ['mobile', 'germany']],
    ['4930123', ['germany']],
    ['49', ['germany']],
    ['4', []],
    ['33123', []],
    ['19005551234', ['premium', 'usa']],
    ['4990012', ['premium', 'germany']],
    ['49 30', ['germany']],
    ['sip:49301@example.com', []],
    ['', []],
    [undefined, []],
  ])('of %s are %j', (number, expected) => {
    expect(zones.ofNumber(number).zones).toEqual(expected);
  });

  it('are those of all its prefixes, the longest first', () => {
    const digits = fc.stringMatching(/^[0-3]{1,5}$/);
    const prefixes = fc.uniqueArray(digits, { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(prefixes, fc.stringMatching(/^[0-3]{0,8}$/), (known, number) => {
        const index = createZoneIndex(
          known.map((prefix) => ({ id: `z${prefix.length % 3}-${prefix[0]}`, prefixes: [prefix] })),
        );
        const byDefinition = known
          .filter((prefix) => number.startsWith(prefix))
          .sort((a, b) => b.length - a.length)
          .map((prefix) => `z${prefix.length % 3}-${prefix[0]}`);
        expect(index.ofNumber(number).zones).toEqual([...new Set(byDefinition)]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the zones of a visited network', () => {
  it.each([
    ['26201', ['mobile', 'germany']],
    ['26203', ['germany']],
    ['310260', ['usa']],
    ['31026', ['usa']],
    ['20801', []],
    ['', []],
    [undefined, []],
  ])('of %s are %j', (network, expected) => {
    expect(zones.ofNetwork(network).zones).toEqual(expected);
  });
});
