/**
 * What happens after the last units, in the form that the gateway knows: Final-Unit-Indication of
 * RFC 4006, or QoS-Final-Unit-Indication, which RFC 8506 adds.
 */
import { isIP } from 'node:net';
import type { FinalUnitAction } from '../domain/credit-control.js';
import type { PeerProfile } from '../domain/diameter-peer.js';
import { Avp } from './generated/avps.js';
import {
  FinalUnitAction as WireFinalUnitAction,
  RedirectAddressType,
} from './generated/enumerations.js';
import type { MessageWriter } from './message-writer.js';

const ADDRESS_TYPES = {
  ipv4: RedirectAddressType.IPV4,
  ipv6: RedirectAddressType.IPV6,
  url: RedirectAddressType.URL,
  'sip-uri': RedirectAddressType.SIP_URI,
} as const;

const ACTIONS = {
  terminate: WireFinalUnitAction.TERMINATE,
  redirect: WireFinalUnitAction.REDIRECT,
  restrict: WireFinalUnitAction.RESTRICT_ACCESS,
} as const;

export function writeFinalUnit(
  writer: MessageWriter,
  finalUnit: FinalUnitAction,
  profile: Pick<PeerProfile, 'finalUnitIndication'>,
): void {
  if (profile.finalUnitIndication === 'qos' && isWithinQosForm(finalUnit)) {
    writeQosForm(writer, finalUnit);
  } else writeBasicForm(writer, finalUnit);
}

/**
 * The newer group has filters of its own kind [RFC 5777], into which an IPFilterRule doesn't go; and
 * where nothing is added to the action the older one is enough [RFC 8506 8.68].
 */
function isWithinQosForm(finalUnit: FinalUnitAction): boolean {
  if (finalUnit.action === 'restrict') return finalUnit.filterRules.length === 0;
  if (finalUnit.action === 'terminate') return false;
  const { addressType, address } = finalUnit;
  // What was declared as an address and is none can still be said as text.
  return (addressType !== 'ipv4' && addressType !== 'ipv6') || isIP(address) !== 0;
}

/** Final-Unit-Indication [RFC 8506 8.34]. */
function writeBasicForm(writer: MessageWriter, finalUnit: FinalUnitAction): void {
  const mark = writer.open(Avp.FinalUnitIndication);
  writer.integer32(Avp.FinalUnitAction, ACTIONS[finalUnit.action]);
  if (finalUnit.action === 'redirect') {
    const server = writer.open(Avp.RedirectServer);
    writer.integer32(Avp.RedirectAddressType, ADDRESS_TYPES[finalUnit.addressType]);
    writer.text(Avp.RedirectServerAddress, finalUnit.address);
    writer.close(server);
  } else if (finalUnit.action === 'restrict') {
    for (const rule of finalUnit.filterRules) writer.text(Avp.RestrictionFilterRule, rule);
    for (const id of finalUnit.filterIds) writer.text(Avp.FilterId, id);
  }
  writer.close(mark);
}

/** QoS-Final-Unit-Indication [RFC 8506 8.68]. */
function writeQosForm(writer: MessageWriter, finalUnit: FinalUnitAction): void {
  const mark = writer.open(Avp.QoSFinalUnitIndication);
  writer.integer32(Avp.FinalUnitAction, ACTIONS[finalUnit.action]);
  if (finalUnit.action === 'redirect') {
    const server = writer.open(Avp.RedirectServerExtension);
    writeRedirectAddress(writer, finalUnit);
    writer.close(server);
  } else if (finalUnit.action === 'restrict') {
    for (const id of finalUnit.filterIds) writer.text(Avp.FilterId, id);
  }
  writer.close(mark);
}

/** One AVP for each kind of address [RFC 8506 8.64-8.67]. */
function writeRedirectAddress(
  writer: MessageWriter,
  { addressType, address }: Extract<FinalUnitAction, { action: 'redirect' }>,
): void {
  switch (addressType) {
    case 'ipv4':
    case 'ipv6':
      writer.address(Avp.RedirectAddressIPAddress, address);
      break;
    case 'url':
      writer.text(Avp.RedirectAddressUrl, address);
      break;
    case 'sip-uri':
      writer.text(Avp.RedirectAddressSipUri, address);
      break;
  }
}
