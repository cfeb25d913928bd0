import { describe, expect, it } from 'vitest';
import { rateChanges } from '../../../src/management/catalog/rate-changes.js';
import type { Catalog, TenantCatalog } from '../../../src/rating/catalog.js';
import type { Tariff } from '../../../src/rating/tariff.js';
import { CATALOG, TARIFF } from '../../support/operator.js';

const NOW = Date.parse('2026-06-01T00:00:00Z');
const DAY_MS = 24 * 3_600_000;
const [tenant] = CATALOG.tenants;
const [version] = TARIFF.versions;
if (tenant === undefined || version === undefined) throw new Error('no tariff');
const held: TenantCatalog = {
  ...tenant,
  tariffs: [TARIFF, { ...TARIFF, code: 'other' }],
  plans: [
    { code: 'basic', tariff: 'standard' },
    { code: 'night', tariff: 'other' },
  ],
};

const catalog = (change: Partial<TenantCatalog> = {}): Catalog => ({
  ...CATALOG,
  tenants: [{ ...held, ...change }],
});
const repriced = (startsAt: string): Tariff => ({
  ...TARIFF,
  versions: [version, { ...version, id: '2', startsAt }],
});
const changed = (after: Catalog, before = catalog()) => rateChanges(before, after, NOW + DAY_MS);

describe('what a new configuration changes for sessions under way', () => {
  it('is nothing where it says the same', () => {
    expect(changed(catalog())).toEqual([]);
  });

  it('is a tariff whose rates differ, and the plans that name it', () => {
    const tariffs = [repriced('2026-05-01'), { ...TARIFF, code: 'other' }];
    expect(changed(catalog({ tariffs }))).toEqual([
      { tenant: 'acme', tariffs: ['standard'], plans: ['basic'] },
    ]);
  });

  it.each([
    ['2026-06-01T23:59', true],
    // Midnight of the tariff's zone, two hours before that of UTC.
    ['2026-06-02T02:00', false],
    ['2026-07-01', false],
  ])('is a version that starts at %s: %s', (startsAt, counts) => {
    const tariffs = [repriced(startsAt), { ...TARIFF, code: 'other' }];
    expect(changed(catalog({ tariffs }))).toHaveLength(counts ? 1 : 0);
  });

  it('is a plan that says otherwise', () => {
    const plans = [...(held.plans ?? []).slice(1), { code: 'basic', tariff: 'other' }];
    expect(changed(catalog({ plans }))).toEqual([
      { tenant: 'acme', tariffs: [], plans: ['basic'] },
    ]);
  });

  it('is everything of a tenant whose policy differs', () => {
    const policy = { ...held.policy, overuse: 'debit' } as const;
    expect(changed(catalog({ policy }))).toEqual([
      { tenant: 'acme', tariffs: ['standard', 'other'], plans: ['basic', 'night'] },
    ]);
  });

  it('is nothing of a tenant that is new', () => {
    expect(changed(catalog(), { ...CATALOG, tenants: [] })).toEqual([]);
  });
});
