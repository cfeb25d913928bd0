/**
 * Holds what simulated sessions used, as their router counted it, against what the system under test
 * charged. It shares no line with the engine: a difference is a finding.
 */
import type { RadiusTallySession } from './simulator.js';

/** Which of a session's totals the plan charges. */
export const CHARGED_TOTALS = ['total', 'download', 'upload', 'seconds'] as const;
export type ChargedTotal = (typeof CHARGED_TOTALS)[number];

export interface UsageDifference {
  readonly acctSessionId: string;
  readonly userName: string;
  /** What must have been charged: bounds, as a report without an answer may have arrived or not. */
  readonly least: bigint;
  readonly most: bigint;
  readonly charged: bigint;
}

function totalOf(usage: RadiusTallySession['used'], what: ChargedTotal): bigint {
  switch (what) {
    case 'download':
      return BigInt(usage.downloadOctets);
    case 'upload':
      return BigInt(usage.uploadOctets);
    case 'total':
      return BigInt(usage.downloadOctets) + BigInt(usage.uploadOctets);
    case 'seconds':
      return BigInt(usage.seconds);
  }
}

/** Sessions that were charged less or more than they may have been. */
export function usageDifferences(
  tally: readonly RadiusTallySession[],
  charged: (acctSessionId: string) => bigint,
  what: ChargedTotal,
): readonly UsageDifference[] {
  return tally.flatMap(({ acctSessionId, userName, certain, reported, used }) => {
    const least = totalOf(reported, what);
    const most = certain ? least : totalOf(used, what);
    const actual = charged(acctSessionId);
    if (actual >= least && actual <= most) return [];
    return [{ acctSessionId, userName, least, most, charged: actual }];
  });
}
