/** Values that several commands take after a flag. */
import { InvalidArgumentError } from 'commander';

export function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('give a whole number');
  return Number(text);
}

export function parseRate(text: string): number {
  const rate = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || rate === 0) {
    throw new InvalidArgumentError('give a number above 0');
  }
  return rate;
}

export function parseShare(text: string): number {
  const share = Number(text);
  if (!/^[01](\.\d+)?$/.test(text) || share > 1) {
    throw new InvalidArgumentError('give a share from 0 to 1');
  }
  return share;
}

/** "3" or "1-4": a number, or a range with both ends. */
export function parseRange(text: string): { readonly min: number; readonly max: number } {
  const match = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(text);
  const range = { min: Number(match?.[1]), max: Number(match?.[2] ?? match?.[1]) };
  if (match === null || range.min > range.max) {
    throw new InvalidArgumentError('give a whole number, or two with a hyphen: 1-4');
  }
  return range;
}
