/**
 * Mikrotik-Rate-Limit: a positional grammar, seen from the router, so that rx is the subscriber's
 * upload:
 *
 *   rx[/tx] [rxBurst[/txBurst] [rxThr[/txThr] [rxTime[/txTime] [priority [rxMin[/txMin]]]]]]
 *
 * Being positional, a burst needs its threshold and time, and a guaranteed rate needs a priority
 * in front of it; zeros stand for a burst that is not wanted.
 */
import type { Burst, Rates, Speed } from '../../domain/access.js';

const PRIORITY_LOWEST = 8;
const NO_BURST = ['0/0', '0/0', '0/0'];
const KILO = 1_000;
const MEGA = 1_000_000;

function formatRate(bitsPerSecond: number): string {
  // 0 means no limit to the router: never what a plan with a speed says.
  if (!Number.isSafeInteger(bitsPerSecond) || bitsPerSecond < 1) {
    throw new RangeError(
      `a rate is a whole number of bits per second from 1, not ${bitsPerSecond}`,
    );
  }
  if (bitsPerSecond % MEGA === 0) return `${bitsPerSecond / MEGA}M`;
  if (bitsPerSecond % KILO === 0) return `${bitsPerSecond / KILO}k`;
  return String(bitsPerSecond);
}

function formatRates(rates: Rates): string {
  return `${formatRate(rates.uploadBitsPerSecond)}/${formatRate(rates.downloadBitsPerSecond)}`;
}

function formatBurst(burst: Burst, speed: Rates): string[] {
  const { uploadSeconds, downloadSeconds } = burst;
  for (const seconds of [uploadSeconds, downloadSeconds]) {
    if (!Number.isSafeInteger(seconds) || seconds < 1) {
      throw new RangeError(`a burst time is a whole number of seconds from 1, not ${seconds}`);
    }
  }
  return [
    formatRates(burst.rates),
    formatRates(burst.thresholds ?? speed),
    `${uploadSeconds}/${downloadSeconds}`,
  ];
}

/**
 * Writes a speed as a rate limit.
 * @throws RangeError for a rate below 1 bit per second, a burst time below 1 s, a priority outside
 *   1 to 8, or a guaranteed rate above the rate.
 */
export function formatRateLimit(speed: Speed): string {
  const { burst, guaranteed } = speed;
  const parts = [formatRates(speed)];
  const needsPriority = speed.priority !== undefined || guaranteed !== undefined;
  if (burst !== undefined) parts.push(...formatBurst(burst, speed));
  else if (needsPriority) parts.push(...NO_BURST);
  if (needsPriority) {
    const priority = speed.priority ?? PRIORITY_LOWEST;
    if (!Number.isInteger(priority) || priority < 1 || priority > PRIORITY_LOWEST) {
      throw new RangeError(`a priority is 1 to ${PRIORITY_LOWEST}, not ${priority}`);
    }
    parts.push(String(priority));
  }
  if (guaranteed !== undefined) {
    if (
      guaranteed.uploadBitsPerSecond > speed.uploadBitsPerSecond ||
      guaranteed.downloadBitsPerSecond > speed.downloadBitsPerSecond
    ) {
      throw new RangeError('a guaranteed rate is not above the rate');
    }
    parts.push(formatRates(guaranteed));
  }
  return parts.join(' ');
}

export type RateLimitResult =
  { readonly ok: true; readonly speed: Speed } | { readonly ok: false; readonly fault: string };

class RateLimitFault extends Error {}

function parseRate(text: string): number {
  const match = /^(\d{1,12})([kKM]?)$/.exec(text);
  if (match === null)
    throw new RateLimitFault(`${text} is no rate: digits, then k or M or nothing`);
  const unit = match[2] === '' ? 1 : match[2] === 'M' ? MEGA : KILO;
  return Number(match[1]) * unit;
}

/** "5M/20M", or "5M" for both. */
function parsePair(text: string, parseOne: (part: string) => number): [number, number] {
  const parts = text.split('/');
  const [first = ''] = parts;
  if (parts.length > 2) throw new RateLimitFault(`${text} has more than two sides`);
  return [parseOne(first), parseOne(parts[1] ?? first)];
}

function parseRates(text: string): Rates {
  const [uploadBitsPerSecond, downloadBitsPerSecond] = parsePair(text, parseRate);
  return { uploadBitsPerSecond, downloadBitsPerSecond };
}

function parseSeconds(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new RateLimitFault(`${text} is no number of seconds`);
  return Number(text);
}

function parseBurst(parts: readonly string[], speed: Rates): Burst | undefined {
  const [rates, thresholds, time] = parts;
  if (rates === undefined) return undefined;
  const burst = parseRates(rates);
  // Threshold and time are there by themselves: the rate, and one second.
  const limits = thresholds === undefined ? speed : parseRates(thresholds);
  const [uploadSeconds, downloadSeconds] = parsePair(time ?? '1', parseSeconds);
  if (burst.uploadBitsPerSecond === 0 && burst.downloadBitsPerSecond === 0) return undefined;
  return { rates: burst, thresholds: limits, uploadSeconds, downloadSeconds };
}

function parsePriority(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-8]$/.test(text)) throw new RateLimitFault(`${text} is no priority from 1 to 8`);
  return Number(text);
}

function parseGuaranteed(text: string | undefined, speed: Rates): Rates | undefined {
  if (text === undefined) return undefined;
  const guaranteed = parseRates(text);
  if (
    guaranteed.uploadBitsPerSecond > speed.uploadBitsPerSecond ||
    guaranteed.downloadBitsPerSecond > speed.downloadBitsPerSecond
  ) {
    throw new RateLimitFault(`${text} guarantees more than the rate`);
  }
  return guaranteed;
}

/** Reads a rate limit as a router would, or says what is wrong with it. */
export function parseRateLimit(text: string): RateLimitResult {
  try {
    const parts = text.trim().split(/\s+/);
    if (parts.length > 6) throw new RateLimitFault('more than six parts');
    const rates = parseRates(parts[0] ?? '');
    const burst = parseBurst(parts.slice(1, 4), rates);
    const priority = parsePriority(parts[4]);
    const guaranteed = parseGuaranteed(parts[5], rates);
    return {
      ok: true,
      speed: {
        ...rates,
        ...(burst === undefined ? {} : { burst }),
        ...(priority === undefined ? {} : { priority }),
        ...(guaranteed === undefined ? {} : { guaranteed }),
      },
    };
  } catch (error) {
    if (error instanceof RateLimitFault) return { ok: false, fault: error.message };
    throw error;
  }
}
