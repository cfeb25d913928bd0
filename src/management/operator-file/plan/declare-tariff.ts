/** A tariff of the file as rating reads it, with its faults told at their places in the file. */
import type { FinalUnitAction } from '../../../domain/credit-control.js';
import type { UnitKind } from '../../../domain/units.js';
import type {
  Price,
  QuotaRule,
  Rate,
  Rule,
  Tariff,
  TariffFault,
  TariffVersion,
} from '../../../rating/tariff.js';
import { parseQuantity, QUANTITY_EXPECTED } from '../format/quantity.js';
import type {
  FinalUnitFields,
  FlatRateFields,
  PriceFields,
  QuotaFields,
  RateFields,
  TariffFields,
  VersionFields,
} from '../format/tariff-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { Findings } from './findings.js';

/** The one version of the short form, and its start: before any event there is. */
const FLAT_VERSION = { id: '1', startsAt: '2000-01-01' } as const;

export interface TariffSurroundings {
  readonly path: FilePath;
  readonly timezone: string;
  readonly currency: Tariff['currency'];
  readonly findings: Findings;
}

/**
 * The declared tariff. What says no clear thing becomes a fault, and something harmless stands in
 * its place, so that the rest can be checked as well.
 */
export function declareTariff(fields: TariffFields, around: TariffSurroundings): Tariff {
  return {
    code: fields.code,
    ...(fields.name !== undefined && { name: fields.name }),
    timezone: fields.timezone ?? around.timezone,
    currency: around.currency,
    ...(fields.zones && { zones: fields.zones }),
    ...(fields.bands && { bands: fields.bands }),
    ...(fields.counters && { counters: fields.counters }),
    versions: versionsOf(fields, around),
  };
}

function versionsOf(fields: TariffFields, around: TariffSurroundings): TariffVersion[] {
  const { findings, path } = around;
  const { flatRates, versions, quotas } = fields;
  if ((flatRates === undefined) === (versions === undefined)) {
    const remedy = 'write flatRates for plain prices, or versions for everything else';
    const message = `tariff ${fields.code} has ${flatRates ? 'two forms' : 'no form'} of prices`;
    findings.fault(path, message, remedy);
    return [];
  }
  if (flatRates !== undefined) return [flatVersion(flatRates, quotas ?? [], around)];
  if (quotas !== undefined) {
    const remedy = 'move them into the versions they are for';
    findings.fault([...path, 'quotas'], 'quotas stand beside versions', remedy);
  }
  return (versions ?? []).map((version, index) =>
    fullVersion(version, { ...around, path: [...path, 'versions', index] }),
  );
}

function flatVersion(
  flatRates: readonly FlatRateFields[],
  quotas: readonly QuotaFields[],
  around: TariffSurroundings,
): TariffVersion {
  const at = (index: number): TariffSurroundings => ({
    ...around,
    path: [...around.path, 'flatRates', index],
  });
  return {
    ...FLAT_VERSION,
    rates: flatRates.map(({ match: _, ...rate }, index) => declareRate(rate, at(index))),
    rules: flatRates.map(({ id, match }) => ({ id, rate: id, ...(match && { match }) })),
    quotas: declareQuotas(quotas, { ...around, path: [...around.path, 'quotas'] }),
  };
}

function fullVersion(version: VersionFields, around: TariffSurroundings): TariffVersion {
  const under = (name: string, index: number): TariffSurroundings => ({
    ...around,
    path: [...around.path, name, index],
  });
  return {
    id: version.id,
    startsAt: version.startsAt,
    rates: version.rates.map((rate, index) => declareRate(rate, under('rates', index))),
    rules: version.rules.map((rule, index) => declareRule(rule, under('rules', index))),
    quotas: declareQuotas(version.quotas ?? [], {
      ...around,
      path: [...around.path, 'quotas'],
    }),
  };
}

function declareRule(
  { id, match, ...charge }: VersionFields['rules'][number],
  { path, findings }: TariffSurroundings,
): Rule {
  const head = { id, ...(match && { match }) };
  const said = Object.keys(charge);
  if (said.length !== 1) {
    const message = `rule ${id} has ${said.length === 0 ? 'no rate' : said.join(' and ')}`;
    findings.fault(path, message, 'write one of rate, notChargeable: true and barred: true');
  }
  if (charge.rate !== undefined) return { ...head, rate: charge.rate };
  return charge.barred === true ? { ...head, barred: true } : { ...head, notChargeable: true };
}

type AnyRate = Omit<RateFields, 'price'> & { readonly price?: PriceFields };

function declareRate(rate: AnyRate, around: TariffSurroundings): Rate {
  const { unit } = rate;
  const amount = unitsIn(unit, around);
  const { connectionFee, minimumCharge, cap } = rate;
  const head = {
    id: rate.id,
    unit,
    ...(connectionFee !== undefined && { connectionFee }),
    ...(minimumCharge !== undefined && { minimumCharge }),
    ...(cap !== undefined && { cap }),
  };
  const steps = {
    ...(rate.step !== undefined && { step: amount(rate.step, 'step') }),
    ...(rate.firstStep !== undefined && { firstStep: amount(rate.firstStep, 'firstStep') }),
  };
  const price = (from: PriceFields, ...at: FilePath): Price => ({
    amount: from.amount,
    ...(from.per !== undefined && { per: amount(from.per, ...at, 'per') }),
  });
  checkForm(rate, around);
  if (rate.slots !== undefined) {
    const slots = rate.slots.map((slot, index) => ({
      from: amount(slot.from, 'slots', index, 'from'),
      price: price(slot.price, 'slots', index, 'price'),
      ...(slot.step !== undefined && { step: amount(slot.step, 'slots', index, 'step') }),
    }));
    return { ...head, slots };
  }
  if (rate.tiers !== undefined) {
    const tiers = rate.tiers.map((tier, index) => ({
      from: amount(tier.from, 'tiers', index, 'from'),
      price: price(tier.price, 'tiers', index, 'price'),
    }));
    return { ...head, ...steps, counter: rate.counter ?? '', tiers };
  }
  return { ...head, ...steps, price: price(rate.price ?? { amount: '0' }, 'price') };
}

/** A rate has one form of price, and nothing that belongs to another. */
function checkForm(rate: AnyRate, { path, findings }: TariffSurroundings): void {
  const forms = (['price', 'slots', 'tiers'] as const).filter((form) => rate[form] !== undefined);
  if (forms.length !== 1) {
    const found = forms.length === 0 ? 'no price' : forms.join(' and ');
    findings.fault(path, `rate ${rate.id} has ${found}`, 'write one of price, slots and tiers');
  } else if ((rate.tiers === undefined) !== (rate.counter === undefined)) {
    const found = rate.tiers === undefined ? 'a counter without tiers' : 'tiers without a counter';
    findings.fault(path, `rate ${rate.id} has ${found}`, 'write both, or price');
  } else if (rate.slots !== undefined && (rate.step ?? rate.firstStep) !== undefined) {
    findings.fault(path, `rate ${rate.id} has slots and a step`, 'write the step into its slots');
  }
}

function declareQuotas(
  quotas: readonly QuotaFields[],
  around: TariffSurroundings,
): readonly QuotaRule[] {
  return quotas.map((quota, index) => {
    const at = { ...around, path: [...around.path, index] };
    const { default: usual, maximum, minimum, finalUnit, unit, ...rest } = quota;
    // Without a unit the amounts are refused by the tariff's own checks: plain numbers will do.
    const amount = unitsIn(unit ?? 'events', at);
    return {
      ...rest,
      ...(unit !== undefined && { unit }),
      ...(usual !== undefined && { default: amount(usual, 'default') }),
      ...(maximum !== undefined && { maximum: amount(maximum, 'maximum') }),
      ...(minimum !== undefined && { minimum: amount(minimum, 'minimum') }),
      ...(finalUnit !== undefined && { finalUnit: declareFinalUnit(finalUnit, at) }),
    };
  });
}

/** The action of a quota or a plan, with a fault where it lacks what it needs. */
export function declareFinalUnit(
  { action, addressType = 'url', address, filterIds, filterRules }: FinalUnitFields,
  { path, findings }: Pick<TariffSurroundings, 'path' | 'findings'>,
): FinalUnitAction {
  const at = [...path, 'finalUnit'];
  if (action === 'redirect') {
    if (address === undefined) findings.fault(at, 'redirect has no address', 'add address');
    return { action, addressType, address: address ?? '' };
  }
  if (address !== undefined) {
    findings.fault([...at, 'address'], `${action} has an address`, 'write action: redirect');
  }
  if (action === 'terminate') return { action };
  return { action, filterIds: filterIds ?? [], filterRules: filterRules ?? [] };
}

/** Reads quantities of one unit, with a fault for each that is none. */
function unitsIn(
  unit: UnitKind,
  { path, findings }: TariffSurroundings,
): (written: number | string, ...at: FilePath) => number {
  return (written, ...at) => {
    const amount = parseQuantity(written, unit);
    if (amount !== null) return amount;
    const message = `"${written}" is no number of ${unit}`;
    findings.fault([...path, ...at], message, `write ${QUANTITY_EXPECTED[unit]}`);
    return 1;
  };
}

/** A fault that rating found, at its place in the file. */
export function placeTariffFault(
  fault: TariffFault,
  fields: TariffFields,
  path: FilePath,
): { readonly path: FilePath; readonly message: string; readonly remedy: string } {
  const flat = fields.flatRates !== undefined;
  const steps = fault.path
    .split(/[.[\]]+/)
    .filter((step) => step !== '')
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  if (steps[0] === 'currency') return { ...fault, path: [...path, 'currency'] };
  if (!flat || steps[0] !== 'versions') return { ...fault, path: [...path, ...steps] };
  const [, , list, ...rest] = steps;
  const inFile = list === 'quotas' ? 'quotas' : 'flatRates';
  return {
    path: list === undefined ? path : [...path, inFile, ...rest],
    message: fault.message.replace(/versions\[0\]\.(?:rates|rules)/g, 'flatRates'),
    remedy: fault.remedy,
  };
}
