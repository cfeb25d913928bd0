/** Credit-Control-Answers as a gateway understands them. */
import {
  CostInformation,
  CreditControlAnswer as Cca,
  FinalUnitIndication as Fui,
  GrantedServiceUnit as Gsu,
  MultipleServicesCreditControl as Mscc,
  RedirectServer,
  UnitValue,
} from '../../diameter/generated/grammars.js';
import { MESSAGE, NONE, type Entry, type MessageReader } from '../../diameter/message-reader.js';
import type { SimulatedUnit } from './traffic.js';

export interface ServiceAnswered {
  readonly ratingGroup: number | null;
  readonly resultCode: number | null;
  readonly granted: { readonly unit: SimulatedUnit; readonly amount: number } | null;
  readonly validitySeconds: number | null;
  readonly finalUnit: 'terminate' | 'redirect' | 'restrict' | null;
  readonly redirectAddress: string | null;
}

export interface SimulatedAnswer {
  readonly resultCode: number;
  readonly originHost: string;
  readonly services: readonly ServiceAnswered[];
  /** Cost-Information as a decimal with its ISO 4217 number. */
  readonly cost: { readonly amount: string; readonly currency: number } | null;
  /** What is wrong with the message itself; null when it is well formed. */
  readonly fault: string | null;
}

const FINAL_ACTIONS = ['terminate', 'redirect', 'restrict'] as const;

/** Reads the answer that the reader has read. */
export function readAnswer(reader: MessageReader): SimulatedAnswer {
  const services: ServiceAnswered[] = [];
  const first = reader.first(MESSAGE, Cca.multipleServicesCreditControl);
  for (let mscc = first; mscc !== NONE; mscc = reader.next(mscc)) {
    services.push({
      ratingGroup: reader.unsigned32(mscc, Mscc.ratingGroup) ?? null,
      resultCode: reader.unsigned32(mscc, Mscc.resultCode) ?? null,
      granted: readGranted(reader, reader.first(mscc, Mscc.grantedServiceUnit)),
      validitySeconds: reader.unsigned32(mscc, Mscc.validityTime) ?? null,
      ...readFinalUnit(reader, reader.first(mscc, Mscc.finalUnitIndication)),
    });
  }
  if (services.length === 0) services.push(...readCommandLevel(reader));
  return {
    resultCode: reader.unsigned32(MESSAGE, Cca.resultCode) ?? 0,
    originHost: reader.text(MESSAGE, Cca.originHost) ?? '',
    services,
    cost: readCost(reader),
    fault: reader.fault?.reason ?? null,
  };
}

/** Units of an RFC 4006 answer stand in the command. */
function readCommandLevel(reader: MessageReader): ServiceAnswered[] {
  const granted = reader.first(MESSAGE, Cca.grantedServiceUnit);
  if (granted === NONE) return [];
  return [
    {
      ratingGroup: null,
      resultCode: null,
      granted: readGranted(reader, granted),
      validitySeconds: reader.unsigned32(MESSAGE, Cca.validityTime) ?? null,
      ...readFinalUnit(reader, reader.first(MESSAGE, Cca.finalUnitIndication)),
    },
  ];
}

function readGranted(reader: MessageReader, group: Entry): ServiceAnswered['granted'] {
  if (group === NONE) return null;
  const octets = reader.unsigned64(group, Gsu.ccTotalOctets);
  if (octets !== undefined) return { unit: 'octets', amount: Number(octets) };
  const seconds = reader.unsigned32(group, Gsu.ccTime);
  if (seconds !== undefined) return { unit: 'seconds', amount: seconds };
  const events = reader.unsigned64(group, Gsu.ccServiceSpecificUnits);
  return events === undefined ? null : { unit: 'events', amount: Number(events) };
}

function readFinalUnit(
  reader: MessageReader,
  group: Entry,
): Pick<ServiceAnswered, 'finalUnit' | 'redirectAddress'> {
  if (group === NONE) return { finalUnit: null, redirectAddress: null };
  const action = FINAL_ACTIONS[reader.integer32(group, Fui.finalUnitAction) ?? -1] ?? null;
  const server = reader.first(group, Fui.redirectServer);
  const address =
    server === NONE ? undefined : reader.text(server, RedirectServer.redirectServerAddress);
  return { finalUnit: action, redirectAddress: address ?? null };
}

function readCost(reader: MessageReader): SimulatedAnswer['cost'] {
  const group = reader.first(MESSAGE, Cca.costInformation);
  if (group === NONE) return null;
  const value = reader.first(group, CostInformation.unitValue);
  if (value === NONE) return null;
  const digits = reader.integer64(value, UnitValue.valueDigits) ?? 0;
  const exponent = reader.integer32(value, UnitValue.exponent) ?? 0;
  const currency = reader.unsigned32(group, CostInformation.currencyCode) ?? 0;
  return { amount: decimal(BigInt(digits), exponent), currency };
}

/** digits x 10^exponent without losing one. */
function decimal(digits: bigint, exponent: number): string {
  if (exponent >= 0) return String(digits * 10n ** BigInt(exponent));
  const negative = digits < 0n;
  const text = String(negative ? -digits : digits).padStart(1 - exponent, '0');
  const whole = text.slice(0, text.length + exponent);
  const fraction = text.slice(text.length + exponent).replace(/0+$/, '');
  return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
