/** Reads the rating scenarios of test/scenarios: one tariff and its cases, as tables of text. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { DateTime } from 'luxon';
import type { NetworkContext } from '../../../src/domain/credit-control.js';
import type { UnitKind } from '../../../src/domain/units.js';
import type { RatingQuestion } from '../../../src/rating/rate-line.js';
import type {
  Period,
  Price,
  Rate,
  RateHead,
  Rule,
  RuleMatch,
  Tariff,
  Weekday,
} from '../../../src/rating/tariff.js';

type Row = ReadonlyMap<string, string>;

export interface Scenario {
  readonly tariff: Tariff;
  readonly cases: readonly RatingCase[];
  readonly purchases: readonly PurchaseCase[];
}

export interface RatingCase {
  readonly name: string;
  readonly question: RatingQuestion;
  readonly counter: number;
  readonly use: readonly { readonly units: number; readonly at: number }[];
  readonly rules: readonly string[];
  readonly cost: string;
}

export interface PurchaseCase extends Omit<RatingCase, 'use' | 'rules'> {
  readonly money: string;
  readonly units: string;
}

export function readScenario(file: string): Scenario {
  const text = readFileSync(path.join(import.meta.dirname, '../../scenarios', file), 'utf8');
  const tables = readTables(text);
  const table = (name: string): readonly Row[] => tables.get(name) ?? [];
  const [head] = table('tariff');
  if (head === undefined) throw new Error(`${file} has no tariff`);
  const tariff = readTariff(head, table);
  return {
    tariff,
    cases: table('cases').map((row) => ({
      ...readOccasion(row, tariff.timezone),
      use: readUse(cell(row, 'use'), cell(row, 'at'), tariff.timezone),
      rules: list(cell(row, 'rule'), ';'),
    })),
    purchases: table('purchases').map((row) => ({
      ...readOccasion(row, tariff.timezone),
      money: cell(row, 'money'),
      units: cell(row, 'units'),
    })),
  };
}

function readTables(text: string): ReadonlyMap<string, readonly Row[]> {
  const tables = new Map<string, Row[]>();
  let rows: Row[] = [];
  let headings: readonly string[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    if (line.startsWith('= ')) {
      rows = [];
      headings = [];
      tables.set(line.slice(2).trim(), rows);
      continue;
    }
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((text) => text.trim());
    if (headings.length === 0) headings = cells;
    else if (cells.length !== headings.length) throw new Error(`a cell too many or few: ${line}`);
    else rows.push(new Map(headings.map((heading, index) => [heading, cells[index] ?? ''])));
  }
  return tables;
}

function readTariff(head: Row, table: (name: string) => readonly Row[]): Tariff {
  return {
    code: cell(head, 'code'),
    timezone: cell(head, 'timezone'),
    currency: { code: cell(head, 'currency'), scale: Number(cell(head, 'scale')) },
    zones: table('zones').map((row) => ({
      id: cell(row, 'zone'),
      prefixes: list(cell(row, 'prefixes')),
      networks: list(cell(row, 'networks')),
    })),
    bands: table('bands').map((row) => ({
      id: cell(row, 'band'),
      windows: [
        {
          ...named(row, 'days', (text) => list(text) as Weekday[]),
          ...named(row, 'dates', (text) => list(text)),
          ...named(row, 'from', String),
          ...named(row, 'until', String),
        },
      ],
    })),
    counters: table('counters').map((row) => ({
      id: cell(row, 'counter'),
      unit: cell(row, 'unit') as UnitKind,
      period: cell(row, 'period') as Period,
    })),
    versions: table('versions').map((row) => {
      const own = (other: Row): boolean => cell(other, 'version') === cell(row, 'version');
      return {
        id: cell(row, 'version'),
        startsAt: cell(row, 'starts'),
        rates: table('rates').filter(own).map(readRate),
        rules: table('rules').filter(own).map(readRule),
      };
    }),
  };
}

function readRate(row: Row): Rate {
  const head: RateHead = {
    id: cell(row, 'rate'),
    unit: cell(row, 'unit') as UnitKind,
    ...renamed(row, 'connection', 'connectionFee', String),
    ...renamed(row, 'minimum', 'minimumCharge', String),
    ...named(row, 'cap', String),
  };
  const steps = {
    ...named(row, 'step', Number),
    ...renamed(row, 'first step', 'firstStep', Number),
  };
  const text = cell(row, 'price');
  if (!text.includes(':')) return { ...head, ...steps, price: readPrice(text) };
  const slots = list(text, ';').map((slot) => {
    const [, from, price = '', step] = /^(\d+): (\S+)(?: by (\d+))?$/.exec(slot) ?? [];
    const by = step === undefined ? {} : { step: Number(step) };
    return { from: Number(from), price: readPrice(price), ...by };
  });
  const counter = cell(row, 'counter');
  if (counter === '') return { ...head, slots };
  return { ...head, ...steps, counter, tiers: slots };
}

function readPrice(text: string): Price {
  const [amount = '', per] = text.split('/');
  return per === undefined ? { amount } : { amount, per: Number(per) };
}

function readRule(row: Row): Rule {
  const numbers = (text: string): number[] => list(text).map(Number);
  const match: RuleMatch = {
    ...renamed(row, 'called', 'calledZone', String),
    ...renamed(row, 'visited', 'visitedZone', String),
    ...renamed(row, 'group', 'ratingGroups', numbers),
    ...renamed(row, 'services', 'serviceIdentifiers', numbers),
    ...renamed(row, 'context', 'serviceContexts', (text) => list(text)),
    ...renamed(row, 'apn', 'apns', (text) => list(text)),
    ...renamed(row, 'rat', 'ratTypes', (text) => list(text)),
    ...named(row, 'band', String),
  };
  const head = { id: cell(row, 'rule'), match };
  const rate = cell(row, 'rate');
  if (rate === 'barred') return { ...head, barred: true };
  return rate === '-' ? { ...head, notChargeable: true } : { ...head, rate };
}

function readOccasion(
  row: Row,
  timezone: string,
): Pick<RatingCase, 'name' | 'question' | 'counter' | 'cost'> {
  const where = new Map(
    list(cell(row, 'where')).map((part) => part.split('=') as [string, string]),
  );
  const context: NetworkContext = {
    ...renamed(where, 'called', 'calledParty', String),
    ...renamed(where, 'visited', 'visitedNetwork', String),
    ...named(where, 'apn', String),
    ...renamed(where, 'rat', 'ratType', String),
  };
  const group = where.get('group');
  return {
    name: cell(row, 'case'),
    question: {
      serviceContext: where.get('context') ?? '32260@3gpp.org',
      ratingGroup: group === undefined ? null : Number(group),
      serviceIdentifiers: list(where.get('services') ?? '', ',').map(Number),
      requestedUnitKinds: list(where.get('units') ?? '', ',') as UnitKind[],
      context,
      at: readTime(cell(row, 'at'), timezone),
    },
    counter: Number(where.get('counter') ?? 0),
    cost: cell(row, 'cost'),
  };
}

/** "wed 2026-03-04 10:00", with an offset where the clock shows that time twice. */
function readTime(text: string, timezone: string): number {
  const [weekday = '', date = '', time = ''] = text.split(' ');
  const at = DateTime.fromISO(`${date}T${time}`, { zone: timezone });
  const day = at.setLocale('en').toFormat('ccc').toLowerCase();
  if (!at.isValid || day !== weekday) throw new Error(`no such time: ${text} is a ${day}`);
  return at.toMillis();
}

/** "45", or "60@21:59; 60@25:30": at these times of the same day, "24:00" and on the next. */
function readUse(text: string, at: string, timezone: string): RatingCase['use'] {
  const [weekday = '', date = '', begin = ''] = at.split(' ');
  const midnight = DateTime.fromISO(date, { zone: timezone });
  return list(text, ';').map((part) => {
    const [units, time] = part.split('@');
    if (time === undefined) {
      return { units: Number(units), at: readTime(`${weekday} ${date} ${begin}`, timezone) };
    }
    const [hour, minute] = time.split(':').map(Number);
    const day = midnight.plus({ days: Math.floor((hour ?? 0) / 24) });
    const then = day.set({ hour: (hour ?? 0) % 24, minute: minute ?? 0 });
    return { units: Number(units), at: then.toMillis() };
  });
}

function cell(row: Row, heading: string): string {
  return row.get(heading) ?? '';
}

function list(text: string, separator = ' '): string[] {
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** `{ [key]: read(cell) }`, or nothing where the cell is empty. */
function renamed<T, K extends string>(
  row: Row,
  heading: string,
  key: K,
  read: (text: string) => T,
): { readonly [P in K]?: T } {
  const text = cell(row, heading);
  return (text === '' ? {} : { [key]: read(text) }) as { readonly [P in K]?: T };
}

function named<T, H extends string>(
  row: Row,
  heading: H,
  read: (text: string) => T,
): { readonly [P in H]?: T } {
  return renamed(row, heading, heading, read);
}
