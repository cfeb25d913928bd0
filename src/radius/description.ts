/** Packets in words, for logs at debug, the simulator and the tests. */
import {
  valueName,
  vendorOf,
  type Attribute,
  type RawAttribute,
  type ValueNames,
} from './attribute.js';
import { ATTRIBUTES, VENDORS } from './generated/register.js';

export interface DescribedAttribute {
  /** Name in the dictionary, or its numbers ("26.14988.99", "241.7"). */
  readonly name: string;
  /** The value as text; octets as 0x and hex. */
  readonly value: string;
}

/** Describes one attribute. Values that are invalid for their data type appear as octets. */
export function describeAttribute({ key, value }: RawAttribute): DescribedAttribute {
  const attribute = ATTRIBUTES.get(key) as Attribute<unknown> | undefined;
  if (attribute === undefined) return { name: numberName(key), value: describeOctets(value) };
  const read = attribute.read(value, 0, value.length);
  const text = read === undefined ? describeOctets(value) : describeValue(attribute, read);
  return { name: attribute.name, value: text };
}

function numberName(key: number): string {
  const vendor = vendorOf(key);
  const local = key % 65_536;
  const type = local > 0xff ? `${Math.floor(local / 256)}.${local % 256}` : String(local);
  return vendor === 0 ? type : `${VENDORS.get(vendor) ?? `26.${vendor}`}.${type}`;
}

function describeOctets(octets: Buffer): string {
  return `0x${octets.toString('hex')}`;
}

function hasNames(attribute: Attribute<unknown>): attribute is Attribute<unknown> & ValueNames {
  return 'names' in attribute;
}

function describeValue(attribute: Attribute<unknown>, value: unknown): string {
  if (Buffer.isBuffer(value)) return describeOctets(value);
  if (typeof value === 'number') {
    return hasNames(attribute) ? valueName(attribute, value) : String(value);
  }
  if (typeof value === 'string' || typeof value === 'bigint') return String(value);
  if (isPrefix(value)) return `${value.address}/${value.length}`;
  if (isTagged(value)) return `${value.tag}:${describeValue(attribute, value.value)}`;
  return JSON.stringify(value);
}

function isPrefix(value: unknown): value is { readonly address: string; readonly length: number } {
  return typeof value === 'object' && value !== null && 'address' in value;
}

function isTagged(value: unknown): value is { readonly tag: number; readonly value: unknown } {
  return typeof value === 'object' && value !== null && 'tag' in value;
}
