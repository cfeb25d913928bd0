/** Speeds as a file writes them. */
import type { Rates, Speed } from '../../../domain/access.js';
import type { SpeedFields } from '../format/access-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { Findings } from './findings.js';

const FACTORS: Readonly<Record<string, bigint>> = {
  '': 1n,
  k: 1_000n,
  M: 1_000_000n,
  G: 1_000_000_000n,
};
/** A terabit: what no line has, and well below 2^53. */
const RATE_MAX = 1_000_000_000_000n;

type RateFields = { readonly up: number | string; readonly down: number | string };

/** A speed with a fault is told, and left as far as it could be read. */
export function declareSpeed(fields: SpeedFields, path: FilePath, findings: Findings): Speed {
  const { burst, priority, guaranteed } = fields;
  const rates = declareRates(fields, path, findings);
  const speed: Speed = {
    ...rates,
    ...(burst !== undefined && {
      burst: {
        rates: declareRates(burst, [...path, 'burst'], findings),
        ...(burst.threshold !== undefined && {
          thresholds: declareRates(burst.threshold, [...path, 'burst', 'threshold'], findings),
        }),
        uploadSeconds: burst.upSeconds,
        downloadSeconds: burst.downSeconds,
      },
    }),
    ...(priority !== undefined && { priority }),
    ...(guaranteed !== undefined && {
      guaranteed: declareRates(guaranteed, [...path, 'guaranteed'], findings),
    }),
  };
  checkAgainst(speed, path, findings);
  return speed;
}

function declareRates({ up, down }: RateFields, path: FilePath, findings: Findings): Rates {
  return {
    uploadBitsPerSecond: parseRate(up, [...path, 'up'], findings),
    downloadBitsPerSecond: parseRate(down, [...path, 'down'], findings),
  };
}

function parseRate(written: number | string, path: FilePath, findings: Findings): number {
  const match = /^(\d+)(?:\.(\d+))?([kMG]?)$/.exec(String(written));
  const [, whole = '0', fraction = '', measure = ''] = match ?? [];
  const scale = 10n ** BigInt(fraction.length);
  const scaled = BigInt(whole + fraction) * (FACTORS[measure] ?? 1n);
  if (scaled % scale === 0n && scaled / scale <= RATE_MAX) return Number(scaled / scale);
  const message = `${String(written)} is no whole number of bits per second up to 1000G`;
  findings.fault(path, message, 'write fewer decimals, or k in place of M');
  return 1;
}

/** What a router would refuse, or take otherwise than it was meant. */
function checkAgainst(speed: Speed, path: FilePath, findings: Findings): void {
  const exceeds = (one: Rates, other: Rates): boolean =>
    one.uploadBitsPerSecond > other.uploadBitsPerSecond ||
    one.downloadBitsPerSecond > other.downloadBitsPerSecond;
  if (speed.guaranteed !== undefined && exceeds(speed.guaranteed, speed)) {
    const message = 'what is guaranteed is more than the speed';
    findings.fault([...path, 'guaranteed'], message, 'guarantee at most the speed');
  }
  if (speed.burst !== undefined && exceeds(speed, speed.burst.rates)) {
    const message = 'the burst is slower than the speed';
    findings.fault([...path, 'burst'], message, 'burst faster, or remove the burst');
  }
  if (speed.burst?.thresholds !== undefined && exceeds(speed.burst.thresholds, speed.burst.rates)) {
    const message = 'the threshold is above the burst, which then never ends';
    findings.fault([...path, 'burst', 'threshold'], message, 'write one below the burst');
  }
}
