/** Identities as the network sends them. */
import { canonicalMac } from '../../../domain/access.js';
import type { IdentityFields } from '../format/account-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { Findings } from './findings.js';

/** The value as the network sends it; null, with a fault, where it can't be one. */
export function normalisedValue(
  { kind, value }: IdentityFields,
  path: FilePath,
  findings: Findings,
): string | null {
  const refuse = (remedy: string): null => {
    findings.fault([...path, 'value'], `"${value}" is no ${kind}`, remedy);
    return null;
  };
  switch (kind) {
    // [ITU-T E.212]: fifteen digits at most, the first three of them the country.
    case 'imsi':
      return /^\d{6,15}$/.test(value) ? value : refuse('write 6 to 15 digits in quotes');
    // [ITU-T E.164 6]
    case 'e164':
      return /^\+?\d{1,15}$/.test(value)
        ? value.replace('+', '')
        : refuse('write up to 15 digits in international form, in quotes');
    case 'mac':
      return canonicalMac(value) ?? refuse('write six octets in hexadecimal');
    case 'sip-uri':
      return /^(sips?|tel):/i.test(value) ? value : refuse('begin with "sip:", "sips:" or "tel:"');
    case 'nai':
    case 'private':
    case 'user-name':
      return value;
  }
}
