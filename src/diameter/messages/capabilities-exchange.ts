/** CER and CEA: who speaks, and what it can [RFC 6733 5.3]. */
import { Avp } from '../generated/avps.js';
import { CommandCode, ResultCode } from '../generated/enumerations.js';
import {
  CapabilitiesExchangeAnswer as Cea,
  CapabilitiesExchangeRequest as Cer,
  VendorSpecificApplicationId as Vsai,
  type GroupSlot,
  type Unsigned32Slot,
} from '../generated/grammars.js';
import { VENDOR_3GPP } from '../avp-table.js';
import { isProtocolError } from '../gy-results.js';
import type { EncodedIdentity } from '../identity.js';
import {
  BASE_APPLICATION,
  CREDIT_CONTROL_APPLICATION,
  FLAG_ERROR,
  FLAG_REQUEST,
  RELAY_APPLICATION,
  type MessageHeader,
} from '../message-header.js';
import { MESSAGE, NONE, type MessageReader } from '../message-reader.js';
import type { MessageWriter } from '../message-writer.js';

const PRODUCT_NAME = 'tolld';
/** We have no enterprise number; 0 says that the vendor doesn't matter [RFC 6733 5.3.3]. */
const VENDOR_ID = 0;
const NO_INBAND_SECURITY = 0;
const TLS = 1;

/** What the other side said of itself. */
export interface Capabilities {
  readonly originHost: string;
  readonly originRealm: string;
  readonly originStateId: number | null;
  /** Application-Ids, of authorisation and accounting, plain and vendor specific. */
  readonly applications: readonly number[];
  /** Whether it names Credit-Control inside Vendor-Specific-Application-Id. */
  readonly vendorSpecific: boolean;
  /** Inband-Security-Ids; empty means none. */
  readonly security: readonly number[];
}

/** Reads a CER that the reader has read without a fault. */
export function readCapabilitiesRequest(reader: MessageReader): Capabilities {
  return readCapabilities(reader, Cer);
}

export interface CapabilitiesAnswer extends Capabilities {
  readonly resultCode: number;
}

export function readCapabilitiesAnswer(reader: MessageReader): CapabilitiesAnswer {
  const resultCode = reader.unsigned32(MESSAGE, Cea.resultCode) ?? 0;
  return { ...readCapabilities(reader, Cea), resultCode };
}

function readCapabilities(reader: MessageReader, slots: typeof Cer | typeof Cea): Capabilities {
  const applications = [
    ...readNumbers(reader, slots.authApplicationId),
    ...readNumbers(reader, slots.acctApplicationId),
  ];
  const vendorApplications = readVendorApplications(reader, slots.vendorSpecificApplicationId);
  return {
    originHost: reader.text(MESSAGE, slots.originHost) ?? '',
    originRealm: reader.text(MESSAGE, slots.originRealm) ?? '',
    originStateId: reader.unsigned32(MESSAGE, slots.originStateId) ?? null,
    applications: [...applications, ...vendorApplications],
    vendorSpecific: vendorApplications.includes(CREDIT_CONTROL_APPLICATION),
    security: readNumbers(reader, slots.inbandSecurityId),
  };
}

function readNumbers(reader: MessageReader, slot: Unsigned32Slot): number[] {
  const numbers: number[] = [];
  for (let entry = reader.first(MESSAGE, slot); entry !== NONE; entry = reader.next(entry)) {
    numbers.push(reader.unsigned32At(entry));
  }
  return numbers;
}

/** A group with both kinds of application contradicts itself [RFC 6733 6.11]: 5007. */
function readVendorApplications(reader: MessageReader, slot: GroupSlot): number[] {
  const numbers: number[] = [];
  for (let group = reader.first(MESSAGE, slot); group !== NONE; group = reader.next(group)) {
    const auth = reader.unsigned32(group, Vsai.authApplicationId);
    const acct = reader.unsigned32(group, Vsai.acctApplicationId);
    if (auth !== undefined && acct !== undefined) {
      reader.reject(group, ResultCode.DIAMETER_CONTRADICTING_AVPS, 'names two applications');
    }
    const application = auth ?? acct;
    if (application !== undefined) numbers.push(application);
  }
  return numbers;
}

/**
 * What keeps us from talking, once it is known who it is: null when nothing does. `overTls`: the
 * connection is secured already, so that a peer that insists on TLS has it.
 */
export function judgeCapabilities(capabilities: Capabilities, overTls: boolean): number | null {
  const { applications, security } = capabilities;
  const common =
    applications.includes(CREDIT_CONTROL_APPLICATION) || applications.includes(RELAY_APPLICATION);
  if (!common) return ResultCode.DIAMETER_NO_COMMON_APPLICATION;
  const agreed =
    security.length === 0 ||
    security.includes(NO_INBAND_SECURITY) ||
    (overTls && security.includes(TLS));
  return agreed ? null : ResultCode.DIAMETER_NO_COMMON_SECURITY;
}

export interface OwnCapabilities {
  readonly identity: EncodedIdentity;
  /** Addresses of our end of the connection. */
  readonly addresses: readonly string[];
  readonly vendorSpecific: boolean;
}

/** Writes CEA. A refusal names its reason; the connection is closed after it. */
export function writeCapabilitiesAnswer(
  writer: MessageWriter,
  request: MessageHeader,
  resultCode: number,
  own: OwnCapabilities,
): void {
  writer.begin({ ...request, flags: isProtocolError(resultCode) ? FLAG_ERROR : 0 });
  writer.unsigned32(Avp.ResultCode, resultCode);
  writeOwn(writer, own);
  writer.end();
}

export function writeCapabilitiesRequest(
  writer: MessageWriter,
  ids: { readonly hopByHop: number; readonly endToEnd: number },
  own: OwnCapabilities,
): void {
  writer.begin({
    flags: FLAG_REQUEST,
    command: CommandCode.CapabilitiesExchange,
    application: BASE_APPLICATION,
    ...ids,
  });
  writeOwn(writer, own);
  writer.end();
}

function writeOwn(writer: MessageWriter, own: OwnCapabilities): void {
  writer.raw(own.identity.origin);
  for (const address of own.addresses) writer.address(Avp.HostIpAddress, address);
  writer.unsigned32(Avp.VendorId, VENDOR_ID);
  writer.text(Avp.ProductName, PRODUCT_NAME);
  if (own.identity.originStateId !== 0) {
    writer.unsigned32(Avp.OriginStateId, own.identity.originStateId);
  }
  writer.unsigned32(Avp.SupportedVendorId, VENDOR_3GPP);
  writer.unsigned32(Avp.AuthApplicationId, CREDIT_CONTROL_APPLICATION);
  if (own.vendorSpecific) {
    const group = writer.open(Avp.VendorSpecificApplicationId);
    writer.unsigned32(Avp.VendorId, VENDOR_3GPP);
    writer.unsigned32(Avp.AuthApplicationId, CREDIT_CONTROL_APPLICATION);
    writer.close(group);
  }
}
