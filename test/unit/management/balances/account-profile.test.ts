import { describe, expect, test } from 'vitest';
import {
  profilesOf,
  type AccountRow,
  type IdentityRow,
} from '../../../../src/management/balances/account-profile.js';

const ACCOUNT: AccountRow = {
  id: 'family',
  tenant: 't',
  partition: 3,
  customer: null,
  tariff: 'standard',
  profileVersion: 7,
  sharingOwner: null,
  sharingTerms: null,
};

function row(subscription: string, kind: string, value: string, more = {}): IdentityRow {
  return {
    accountId: 'family',
    subscription,
    customer: null,
    networkScope: 'default',
    kind,
    value,
    tariff: null,
    access: null,
    plan: null,
    ...more,
  };
}

describe('the profiles of an account', () => {
  test('lead each identity of a subscriber to the same place', () => {
    const profiles = profilesOf(ACCOUNT, [
      row('mum', 'imsi', '26201'),
      row('mum', 'e164', '491'),
      row('kid', 'e164', '492', { tariff: 'youth' }),
    ]);
    const mum = {
      accountId: 'family',
      partition: 3,
      version: 7,
      tenant: 't',
      customer: null,
      subscription: 'mum',
      tariff: 'standard',
      sharing: null,
      imsi: '26201',
      msisdn: '491',
    };
    expect(profiles.map(({ identity }) => identity)).toEqual([
      { kind: 'imsi', value: '26201' },
      { kind: 'e164', value: '491' },
      { kind: 'e164', value: '492' },
    ]);
    expect(profiles[0]?.profile).toEqual(mum);
    expect(profiles[1]?.profile).toEqual(mum);
    expect(profiles[2]?.profile).toMatchObject({ subscription: 'kid', tariff: 'youth' });
    expect(profiles[2]?.profile).not.toHaveProperty('imsi');
  });

  test('pass over other accounts, and kinds that a newer version wrote', () => {
    expect(
      profilesOf(ACCOUNT, [
        row('x', 'e164', '493', { accountId: 'other' }),
        row('x', 'thought', 'hello'),
      ]),
    ).toEqual([]);
  });
});
