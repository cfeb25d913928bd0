import { InvalidArgumentError } from 'commander';

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Reads "15m", "2h", "3d" as that long before now, or a time in ISO 8601, in milliseconds since
 * 1970. @throws InvalidArgumentError
 */
export function parsePointInTime(text: string, now: number): number {
  const ago = /^(\d+)([smhd])$/.exec(text);
  if (ago !== null) return now - Number(ago[1]) * (UNIT_MS[ago[2] ?? ''] ?? 0);
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError('give a time such as 2026-01-31T08:00:00Z, or 15m, 2h, 3d ago');
  }
  return time;
}
