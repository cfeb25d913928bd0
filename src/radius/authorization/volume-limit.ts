/** Limits in octets as two words of 32 bits: the octets, and how often they pass 2^32. */
import type { Amount } from '../../domain/amounts.js';
import { attributeValue, type Attribute, type RawAttribute } from '../attribute.js';

const GIGAWORD = 2 ** 32;

export interface VolumeWords {
  readonly octets: number;
  readonly gigawords: number;
}

/** Cuts a limit into its words. A limit below one octet becomes one: 0 would mean no limit. */
export function volumeWords(limit: Amount): VolumeWords {
  const octets = Math.max(1, limit);
  return { octets: octets % GIGAWORD, gigawords: Math.floor(octets / GIGAWORD) };
}

/** Both words; the upper one only where it is needed. */
export function volumeAttributes(
  limit: Amount,
  octets: Attribute<number>,
  gigawords: Attribute<number>,
): RawAttribute[] {
  const words = volumeWords(limit);
  const low = attributeValue(octets, words.octets);
  return words.gigawords === 0 ? [low] : [low, attributeValue(gigawords, words.gigawords)];
}

/** The lower word alone, for equipment that knows no upper one; null when that is not enough. */
export function shortVolumeAttribute(
  limit: Amount,
  octets: Attribute<number>,
): RawAttribute[] | null {
  const words = volumeWords(limit);
  return words.gigawords === 0 ? [attributeValue(octets, words.octets)] : null;
}
