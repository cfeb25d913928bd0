/** Faults of a tariff's surroundings: zones, bands, counters, versions. Prices: compiled-rate.ts. */
import { UNIT_KINDS } from '../domain/units.js';
import type { FaultList } from './fault-list.js';
import { isTimeZone } from './local-time.js';
import {
  PERIODS,
  TARIFF_LIMITS,
  WEEKDAYS,
  type BandWindow,
  type Tariff,
  type TimeBand,
  type Zone,
} from './tariff.js';
import { parseDates, parseTime } from './time-band.js';
import { networkDigits } from './zone-index.js';

/** Decimals of a currency's smallest unit: with 9, money still reaches nine million. */
const SCALE_MAX = 9;

export function checkTariff(tariff: Tariff, faults: FaultList): void {
  faults.checkId('code', tariff.code);
  faults.checkId('currency.code', tariff.currency.code);
  faults.checkWhole('currency.scale', tariff.currency.scale, 0, SCALE_MAX);
  if (!isTimeZone(tariff.timezone)) {
    faults.add(
      'timezone',
      `"${tariff.timezone}" is no known time zone`,
      'name one of the IANA database, such as "Europe/Berlin"',
    );
  }
  checkZones(tariff.zones ?? [], faults);
  checkBands(tariff.bands ?? [], faults);
  checkCounters(tariff, faults);
  faults.checkIds('versions', tariff.versions);
  faults.checkLength('versions', tariff.versions.length, TARIFF_LIMITS.versionsMax);
  if (tariff.versions.length === 0) {
    faults.add('versions', 'there is no version', 'declare at least one');
  }
}

function checkZones(zones: readonly Zone[], faults: FaultList): void {
  faults.checkIds('zones', zones);
  faults.checkLength('zones', zones.length, TARIFF_LIMITS.zonesMax);
  const prefixes = new Map<string, string>();
  const networks = new Map<string, string>();
  for (const [index, zone] of zones.entries()) {
    const path = `zones[${index}]`;
    if ((zone.prefixes ?? []).length + (zone.networks ?? []).length === 0) {
      faults.add(path, 'the zone is empty', 'list prefixes or networks, or remove it');
    }
    for (const [place, prefix] of (zone.prefixes ?? []).entries()) {
      // [ITU-T E.164 6]: at most fifteen digits.
      if (!/^\d{1,15}$/.test(prefix)) {
        const remedy = 'write 1 to 15 digits in international form, without "+" or "00"';
        faults.add(`${path}.prefixes[${place}]`, `"${prefix}" is no E.164 prefix`, remedy);
      }
      claim(prefixes, prefix, { zone: zone.id, path: `${path}.prefixes[${place}]` }, faults);
    }
    for (const [place, network] of (zone.networks ?? []).entries()) {
      const digits = networkDigits(network);
      if (digits === null) {
        const remedy = 'write MCC-MNC ("262-01") or a country ("262")';
        faults.add(`${path}.networks[${place}]`, `"${network}" is no network`, remedy);
      }
      const key = digits ?? network;
      claim(networks, key, { zone: zone.id, path: `${path}.networks[${place}]` }, faults);
    }
  }
  faults.checkLength('zones', prefixes.size + networks.size, TARIFF_LIMITS.prefixesMax);
}

/** A prefix or network decides for one zone only. */
function claim(
  owners: Map<string, string>,
  key: string,
  { zone, path }: { zone: string; path: string },
  faults: FaultList,
): void {
  const owner = owners.get(key);
  owners.set(key, owner ?? zone);
  if (owner === undefined || owner === zone) return;
  faults.add(path, `"${key}" is also in zone "${owner}"`, 'leave it in one of the two');
}

function checkBands(bands: readonly TimeBand[], faults: FaultList): void {
  faults.checkIds('bands', bands);
  faults.checkLength('bands', bands.length, TARIFF_LIMITS.bandsMax);
  for (const [index, band] of bands.entries()) {
    const path = `bands[${index}].windows`;
    faults.checkLength(path, band.windows.length, TARIFF_LIMITS.bandWindowsMax);
    if (band.windows.length === 0) {
      faults.add(path, 'the band is never open', 'declare a window, or remove the band');
    }
    for (const [place, window] of band.windows.entries()) {
      checkWindow(window, `${path}[${place}]`, faults);
    }
  }
}

function checkWindow(window: BandWindow, path: string, faults: FaultList): void {
  for (const [index, day] of (window.days ?? []).entries()) {
    if (WEEKDAYS.includes(day)) continue;
    faults.add(`${path}.days[${index}]`, `"${day}" is no day`, `use ${WEEKDAYS.join(', ')}`);
  }
  for (const [index, dates] of (window.dates ?? []).entries()) {
    if (parseDates(dates) !== null) continue;
    const remedy = 'write "2026-12-25", "12-25" or "2026-07-01/2026-08-31"';
    faults.add(`${path}.dates[${index}]`, `"${dates}" is no date`, remedy);
  }
  if (window.days?.length === 0 || window.dates?.length === 0) {
    faults.add(path, 'an empty list of days or dates is never met', 'fill it, or leave it out');
  }
  for (const key of ['from', 'until'] as const) {
    const time = window[key];
    if (time === undefined || parseTime(time) !== null) continue;
    if (key === 'until' && time === '24:00') continue;
    faults.add(`${path}.${key}`, `"${time}" is no time of day`, 'write "HH:MM"');
  }
}

function checkCounters(tariff: Tariff, faults: FaultList): void {
  const counters = tariff.counters ?? [];
  faults.checkIds('counters', counters);
  faults.checkLength('counters', counters.length, TARIFF_LIMITS.countersMax);
  for (const [index, { unit, period }] of counters.entries()) {
    if (!UNIT_KINDS.includes(unit)) {
      faults.add(`counters[${index}].unit`, `"${unit}" is no unit`, `use ${UNIT_KINDS.join(', ')}`);
    }
    if (!PERIODS.includes(period)) {
      const remedy = `use ${PERIODS.join(', ')}`;
      faults.add(`counters[${index}].period`, `"${period}" is no period`, remedy);
    }
  }
}
