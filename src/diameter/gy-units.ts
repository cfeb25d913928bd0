/** Units of a service as Gy/Ro names them, read and written [RFC 8506 8.17-8.21]. */
import type { Amount } from '../domain/amounts.js';
import type { ServiceOutcome } from '../domain/credit-control.js';
import {
  REPORTING_REASONS,
  type ReportingReason,
  type TariffChangeUsage,
  type UnitAmounts,
  type UsedUnits,
} from '../domain/units.js';
import { Avp } from './generated/avps.js';
import {
  CcUnitType,
  ResultCode,
  TariffChangeUsage as WireTariffChange,
} from './generated/enumerations.js';
import {
  MultipleServicesCreditControl as Mscc,
  RequestedServiceUnit as Rsu,
  UsedServiceUnit as Usu,
  type Integer32Slot,
  type Unsigned64Slot,
} from './generated/grammars.js';
import { NONE, type Entry, type MessageReader } from './message-reader.js';
import type { MessageWriter } from './message-writer.js';
import { readMoney } from './money.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const TARIFF_CHANGES: Readonly<Record<number, TariffChangeUsage>> = {
  [WireTariffChange.UNIT_BEFORE_TARIFF_CHANGE]: 'before',
  [WireTariffChange.UNIT_AFTER_TARIFF_CHANGE]: 'after',
  [WireTariffChange.UNIT_INDETERMINATE]: 'indeterminate',
};

/** Units of a Requested-Service-Unit; an empty object when it asks for the default quota. */
export function readRequestedUnits(reader: MessageReader, group: Entry): UnitAmounts {
  const units: Mutable<UnitAmounts> = {};
  const seconds = reader.unsigned32(group, Rsu.ccTime);
  if (seconds !== undefined) units.seconds = seconds as Amount;
  const events = readAmount(reader, group, Rsu.ccServiceSpecificUnits);
  if (events !== undefined) units.events = events;
  const money = reader.first(group, Rsu.ccMoney);
  if (money !== NONE) units.money = readMoney(reader, money);
  readOctets(reader, group, units, Rsu);
  return units;
}

/**
 * Reported units, one element for each Used-Service-Unit from `first` on that holds any; `beside` is
 * the Tariff-Change-Usage that stands beside them and counts for those that have none.
 */
export function readUsedUnits(
  reader: MessageReader,
  first: Entry,
  beside?: TariffChangeUsage,
): UsedUnits[] {
  const used: UsedUnits[] = [];
  for (let group = first; group !== NONE; group = reader.next(group)) {
    const units: Mutable<UsedUnits> = {};
    const seconds = reader.unsigned32(group, Usu.ccTime);
    if (seconds !== undefined) units.seconds = seconds as Amount;
    const events = readAmount(reader, group, Usu.ccServiceSpecificUnits);
    if (events !== undefined) units.events = events;
    const money = reader.first(group, Usu.ccMoney);
    if (money !== NONE) units.money = readMoney(reader, money);
    readOctets(reader, group, units, Usu);
    const reason = readReason(reader, group, Usu.reportingReason);
    if (reason !== undefined) units.reason = reason;
    const tariffChange = readTariffChange(reader, group, Usu.tariffChangeUsage) ?? beside;
    if (tariffChange !== undefined) units.tariffChange = tariffChange;
    used.push(units);
  }
  return used;
}

/** 3GPP Reporting-Reason in our words; undefined for one that a later release added. */
function readReason(
  reader: MessageReader,
  group: Entry,
  slot: Integer32Slot,
): ReportingReason | undefined {
  const value = reader.integer32(group, slot);
  // The list stands in the order of the wire's numbers [TS 32.299 7.2.175].
  return value === undefined ? undefined : REPORTING_REASONS[value];
}

export function readServiceReason(reader: MessageReader, mscc: Entry): ReportingReason | undefined {
  return readReason(reader, mscc, Mscc.reportingReason);
}

/** The Tariff-Change-Usage of a service, for all that it reports. */
export function readServiceTariffChange(
  reader: MessageReader,
  mscc: Entry,
): TariffChangeUsage | undefined {
  return readTariffChange(reader, mscc, Mscc.tariffChangeUsage);
}

function readTariffChange(
  reader: MessageReader,
  group: Entry,
  slot: Integer32Slot,
): TariffChangeUsage | undefined {
  const value = reader.integer32(group, slot);
  if (value === undefined) return undefined;
  const usage = TARIFF_CHANGES[value];
  if (usage === undefined) {
    const entry = reader.first(group, slot);
    reader.reject(entry, ResultCode.DIAMETER_INVALID_AVP_VALUE, 'unknown value');
  }
  return usage;
}

/** Total, input and output octets; a gateway that sends the directions only means their sum. */
function readOctets(
  reader: MessageReader,
  group: Entry,
  units: Mutable<UnitAmounts>,
  slots: {
    readonly ccTotalOctets: Unsigned64Slot;
    readonly ccInputOctets: Unsigned64Slot;
    readonly ccOutputOctets: Unsigned64Slot;
  },
): void {
  const total = readAmount(reader, group, slots.ccTotalOctets);
  const input = readAmount(reader, group, slots.ccInputOctets);
  const output = readAmount(reader, group, slots.ccOutputOctets);
  if (input !== undefined) units.inputOctets = input;
  if (output !== undefined) units.outputOctets = output;
  if (total !== undefined) {
    units.octets = total;
  } else if (input !== undefined || output !== undefined) {
    const sum = (input ?? 0) + (output ?? 0);
    if (Number.isSafeInteger(sum)) units.octets = sum as Amount;
    else rejectRange(reader, reader.first(group, slots.ccOutputOctets));
  }
}

/** An Unsigned64 as an amount; a fault (5004) above 2^53 - 1, before anything is charged. */
function readAmount(reader: MessageReader, group: Entry, slot: Unsigned64Slot): Amount | undefined {
  const value = reader.unsigned64(group, slot);
  if (typeof value !== 'bigint') return value as Amount | undefined;
  rejectRange(reader, reader.first(group, slot));
  return undefined;
}

function rejectRange(reader: MessageReader, entry: Entry): void {
  reader.reject(entry, ResultCode.DIAMETER_INVALID_AVP_VALUE, 'above 2^53 - 1');
}

/** Granted-Service-Unit, when the service got units [RFC 8506 8.17]. */
export function writeGrantedUnits(writer: MessageWriter, service: ServiceOutcome): void {
  const granted = service.granted;
  if (granted === undefined) return;
  const mark = writer.open(Avp.GrantedServiceUnit);
  if (service.tariffChangeAt !== undefined) {
    writer.time(Avp.TariffTimeChange, service.tariffChangeAt);
  }
  switch (granted.unit) {
    case 'octets':
      writer.unsigned64(Avp.CcTotalOctets, granted.amount);
      break;
    case 'seconds':
      writer.unsigned32(Avp.CcTime, Math.min(granted.amount, 0xffffffff));
      break;
    case 'events':
      writer.unsigned64(Avp.CcServiceSpecificUnits, granted.amount);
      break;
  }
  writer.close(mark);
}

const POOL_UNITS = {
  octets: CcUnitType.TOTAL_OCTETS,
  seconds: CcUnitType.TIME,
  events: CcUnitType.SERVICE_SPECIFIC_UNITS,
} as const;

/** G-S-U-Pool-Reference of a grant [RFC 8506 8.30]. */
export function writePool(writer: MessageWriter, { granted, pool }: ServiceOutcome): void {
  if (granted === undefined || pool === undefined) return;
  const mark = writer.open(Avp.GsuPoolReference);
  writer.unsigned32(Avp.GsuPoolIdentifier, pool.id);
  writer.integer32(Avp.CcUnitType, POOL_UNITS[granted.unit]);
  const multiplier = writer.open(Avp.UnitValue);
  writer.integer64(Avp.ValueDigits, pool.digits);
  if (pool.exponent !== 0) writer.integer32(Avp.Exponent, pool.exponent);
  writer.close(multiplier);
  writer.close(mark);
}

/** Remaining quota at which the gateway reports, in the granted unit [TS 32.299 7.2.236-7.2.238]. */
export function writeThreshold(writer: MessageWriter, service: ServiceOutcome): void {
  const { granted, quotaThreshold } = service;
  if (granted === undefined || quotaThreshold === undefined) return;
  const value = Math.min(quotaThreshold, 0xffffffff);
  switch (granted.unit) {
    case 'octets':
      writer.unsigned32(Avp.VolumeQuotaThreshold, value);
      break;
    case 'seconds':
      writer.unsigned32(Avp.TimeQuotaThreshold, value);
      break;
    case 'events':
      writer.unsigned32(Avp.UnitQuotaThreshold, value);
      break;
  }
}
