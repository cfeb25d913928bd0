/** Who a request speaks of: Subscription-Id in any order, User-Name last [RFC 8506 8.46]. */
import type { IdentityKind, SubscriberIdentity } from '../domain/identity.js';
import { ResultCode } from './generated/enumerations.js';
import {
  CreditControlRequest as Ccr,
  ServiceInformation,
  SubscriptionId,
  SubscriptionIdExtension as Extension,
  type TextSlot,
} from './generated/grammars.js';
import { MESSAGE, NONE, type Entry, type MessageReader } from './message-reader.js';

/** By Subscription-Id-Type [RFC 8506 8.47]. */
const KINDS: readonly IdentityKind[] = ['e164', 'imsi', 'sip-uri', 'nai', 'private'];

const EXTENSIONS: readonly (readonly [IdentityKind, TextSlot])[] = [
  ['e164', Extension.subscriptionIdE164],
  ['imsi', Extension.subscriptionIdImsi],
  ['sip-uri', Extension.subscriptionIdSipUri],
  ['nai', Extension.subscriptionIdNai],
  ['private', Extension.subscriptionIdPrivate],
];

/** Octets of an identity; longer ones can't be a subscriber's. */
const IDENTITY_LENGTH_MAX = 255;

/** Identities in the order to look them up; empty when the request names nobody. */
export function readIdentities(
  reader: MessageReader,
  serviceInformation: Entry,
): SubscriberIdentity[] {
  const identities: SubscriberIdentity[] = [];
  readSubscriptionIds(reader, reader.first(MESSAGE, Ccr.subscriptionId), identities);
  const extension = reader.first(MESSAGE, Ccr.subscriptionIdExtension);
  for (let entry = extension; entry !== NONE; entry = reader.next(entry)) {
    readExtension(reader, entry, identities);
  }
  if (serviceInformation !== NONE && identities.length === 0) {
    const first = reader.first(serviceInformation, ServiceInformation.subscriptionId);
    readSubscriptionIds(reader, first, identities);
  }
  const userName = reader.first(MESSAGE, Ccr.userName);
  if (userName !== NONE) addIdentity(reader, userName, 'user-name', identities);
  return identities;
}

function readSubscriptionIds(
  reader: MessageReader,
  first: Entry,
  identities: SubscriberIdentity[],
): void {
  for (let entry = first; entry !== NONE; entry = reader.next(entry)) {
    const kind = KINDS[reader.integer32(entry, SubscriptionId.subscriptionIdType) ?? -1];
    if (kind === undefined) {
      const type = reader.first(entry, SubscriptionId.subscriptionIdType);
      reader.reject(type, ResultCode.DIAMETER_INVALID_AVP_VALUE, 'unknown value');
      return;
    }
    addIdentity(reader, reader.first(entry, SubscriptionId.subscriptionIdData), kind, identities);
  }
}

function readExtension(
  reader: MessageReader,
  group: Entry,
  identities: SubscriberIdentity[],
): void {
  for (const [kind, slot] of EXTENSIONS) {
    const entry = reader.first(group, slot);
    if (entry !== NONE) addIdentity(reader, entry, kind, identities);
  }
}

/** E.164 numbers lose the "+" that some gateways put before them. */
function addIdentity(
  reader: MessageReader,
  entry: Entry,
  kind: IdentityKind,
  identities: SubscriberIdentity[],
): void {
  const text = reader.textAt(entry);
  if (text.length > IDENTITY_LENGTH_MAX) {
    reader.reject(entry, ResultCode.DIAMETER_INVALID_AVP_VALUE, 'too long');
    return;
  }
  const value = kind === 'e164' && text.charCodeAt(0) === 0x2b ? text.slice(1) : text;
  if (value !== '') identities.push({ kind, value });
}
