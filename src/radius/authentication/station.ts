/** The spellings of a MAC address that equipment uses for a user name and its password. */

const SPELLINGS: readonly { readonly groupOctets: number; readonly separator: string }[] = [
  { groupOctets: 1, separator: ':' },
  { groupOctets: 1, separator: '-' },
  { groupOctets: 6, separator: '' },
  { groupOctets: 2, separator: '.' },
  { groupOctets: 2, separator: '-' },
  { groupOctets: 2, separator: ':' },
  { groupOctets: 3, separator: '-' },
  { groupOctets: 1, separator: '.' },
  { groupOctets: 1, separator: ' ' },
];

/** All spellings of a canonical MAC, in upper and lower case. */
export function macSpellings(mac: string): string[] {
  const digits = mac.replaceAll(':', '');
  return SPELLINGS.flatMap(({ groupOctets, separator }) => {
    const groups = digits.match(new RegExp(`.{${groupOctets * 2}}`, 'g')) ?? [];
    const upper = groups.join(separator);
    return [upper, upper.toLowerCase()];
  });
}

/** Passwords by which a station proves nothing more than its address. */
export function stationPasswords(mac: string, password: string | null): string[] {
  return [...macSpellings(mac), '', ...(password === null ? [] : [password])];
}
