/**
 * Stamps of events as they travel: packed arrays without the names of their values, which would be
 * the most of them. Every charge carries one, from the front through the script into the outbox.
 */
import type { EventStamp } from '../domain/events.js';
import { pack, PackingError, unpack, type Packable, type Unpacked } from './packing.js';
import { asArray, asNumber, asNumberOrNull, asText, asTextOrNull } from './unpacked.js';

/** What is being flattened, which never waits: an array that grows costs three times its values. */
const flattened: (string | number)[] = [];

/** Names with codes: named texts as flat pairs of name and text, a name by its code where it has one. */
class Names {
  readonly #names: readonly string[];
  readonly #codes: ReadonlyMap<string, number>;

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#codes = new Map(names.map((name, code) => [name, code]));
  }

  flatten(texts: Readonly<Record<string, string | undefined>>): readonly Packable[] {
    let count = 0;
    for (const name in texts) {
      const text = texts[name];
      if (text === undefined) continue;
      flattened[count] = this.#codes.get(name) ?? name;
      flattened[count + 1] = text;
      count += 2;
    }
    return flattened.slice(0, count);
  }

  /** @throws PackingError for a code of a later version. */
  gather(flat: readonly Unpacked[]): Record<string, string> {
    const texts: Record<string, string> = {};
    for (let at = 0; at < flat.length; at += 2) {
      const name = flat[at];
      const text = asText(flat[at + 1]);
      if (typeof name === 'number') texts[asText(this.#names[name])] = text;
      else setOwn(texts, asText(name), text);
    }
    return texts;
  }
}

/** By an assignment a name such as __proto__ would not become one of the object's own. */
function setOwn(texts: Record<string, string>, name: string, text: string): void {
  Object.defineProperty(texts, name, {
    value: text,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** Codes count from 0 in the order of the words: new ones come last, and none goes. */
const PROTOCOLS: readonly EventStamp['protocol'][] = ['gy', 'radius', 'management'];

const PERSONAL_NAMES = new Names([
  'imsi',
  'msisdn',
  'userName',
  'mac',
  'address',
  'calledParty',
  'callingParty',
]);

/** What fronts say of the network most often; any other name is spelt out. */
const NETWORK_NAMES = new Names([
  'apn',
  'ratType',
  'visitedNetwork',
  'homeNetwork',
  'gatewayNetwork',
  'chargingId',
  'pdpType',
  'pdpAddress',
  'sgsnAddress',
  'ggsnAddress',
  'sgwAddress',
  'userLocation',
  'msTimeZone',
  'nsapi',
  'selectionMode',
  'chargingCharacteristics',
  'chargingRuleBase',
  'servingNodeType',
  'sessionKey',
  'nasIdentifier',
  'nasAddress',
  'portId',
  'portType',
  'port',
  'calledStation',
  'serviceType',
  'framedProtocol',
  'networkScope',
  'accessPlan',
  'connection',
  'tariff',
  'chargingPlan',
]);

/** JSON begins so; a packed array never does. */
const BRACE = 0x7b;

/** Packs a stamp, for the scripts to pass on. */
export function packStamp(stamp: EventStamp): Buffer {
  return pack([
    stamp.tenant,
    stamp.customer ?? false,
    stamp.subscription ?? false,
    PROTOCOLS.indexOf(stamp.protocol),
    stamp.peer ?? false,
    stamp.serviceContext ?? false,
    PERSONAL_NAMES.flatten(stamp.personal),
    NETWORK_NAMES.flatten(stamp.network),
    stamp.eventTimestamp ?? false,
    stamp.configVersion,
  ]);
}

/**
 * Reads a stamp; also one that is JSON, as they were written before they were packed.
 * @throws PackingError, or SyntaxError for JSON that breaks off.
 */
export function unpackStamp(bytes: Buffer): EventStamp {
  if (bytes[0] === BRACE) return JSON.parse(bytes.toString('utf8')) as EventStamp;
  const fields = asArray(unpack(bytes));
  const [tenant, customer, subscription, protocol, peer, serviceContext] = fields;
  const [personal, network, eventTimestamp, configVersion] = fields.slice(6);
  return {
    tenant: asText(tenant),
    customer: asTextOrNull(customer),
    subscription: asTextOrNull(subscription),
    protocol: protocolOf(asNumber(protocol)),
    peer: asTextOrNull(peer),
    serviceContext: asTextOrNull(serviceContext),
    personal: PERSONAL_NAMES.gather(asArray(personal)),
    network: NETWORK_NAMES.gather(asArray(network)),
    eventTimestamp: asNumberOrNull(eventTimestamp),
    configVersion: asNumber(configVersion),
  };
}

function protocolOf(code: number): EventStamp['protocol'] {
  const protocol = PROTOCOLS[code];
  if (protocol === undefined) throw new PackingError(`protocol ${code} is none of this version`);
  return protocol;
}
