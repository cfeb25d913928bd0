/** CoA- and Disconnect-Requests: which session, and what is to become of it [RFC 5176 3]. */
import type { SessionPointer, SteeringOrder, TermName } from '../../domain/access.js';
import { attributeValue, type RawAttribute } from '../attribute.js';
import { writeChangedTerms } from '../authorization/capabilities.js';
import {
  AcctSessionId,
  EventTimestamp,
  FramedIpAddress,
  NasIdentifier,
  UserName,
} from '../generated/standard.js';
import { parseIpv4 } from '../ip-address.js';
import type { NasClient } from '../nas-clients.js';
import { PACKET_CODES } from '../packet-code.js';
import { acctSessionIdOf } from '../session-key.js';

export interface SteeringRequest {
  readonly code: number;
  readonly attributes: readonly RawAttribute[];
  /** Terms that this NAS cannot change while a session lasts. */
  readonly unchanged: readonly TermName[];
}

/** User name, session id and address together: NAS differ in what they look for. */
function identification(session: SessionPointer, nas: NasClient): RawAttribute[] {
  const id = acctSessionIdOf(nas.name, session.sessionKey);
  const { userName, address } = session;
  return [
    ...(nas.nasIdentifier === null ? [] : [attributeValue(NasIdentifier, nas.nasIdentifier)]),
    ...(userName === null ? [] : [attributeValue(UserName, userName)]),
    ...(id === null ? [] : [attributeValue(AcctSessionId, id)]),
    ...(address === null || parseIpv4(address) === undefined
      ? []
      : [attributeValue(FramedIpAddress, address)]),
  ];
}

/**
 * Writes an order for a session; null when there is nothing in it that its NAS could change.
 * @param now milliseconds since 1970; resends keep the timestamp of the first [RFC 5176 3.3].
 * @throws RangeError for terms that no attribute can hold.
 */
export function writeSteeringRequest(
  session: SessionPointer,
  order: SteeringOrder,
  options: { readonly nas: NasClient; readonly now: number },
): SteeringRequest | null {
  const { nas, now } = options;
  const head = identification(session, nas);
  const timestamp = attributeValue(EventTimestamp, Math.floor(now / 1000));
  if (order.kind === 'disconnect') {
    // Identification and nothing else [RFC 5176 3.6].
    const attributes = [...head, timestamp];
    return { code: PACKET_CODES['Disconnect-Request'], attributes, unchanged: [] };
  }
  const target = { vendor: nas.vendor, connection: session.connection };
  const only = nas.changeableTerms[session.connection];
  const { attributes: changes, left } = writeChangedTerms(order.terms, target, only);
  if (changes.length === 0) return null;
  return {
    code: PACKET_CODES['CoA-Request'],
    attributes: [...head, ...changes, timestamp],
    unchanged: left,
  };
}
