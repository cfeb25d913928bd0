/**
 * The NAS that may speak to us: found by source address or range, and by NAS-Identifier where
 * several stand behind one address; over TLS, by the names in their certificate.
 */
import type { ConnectionKind } from '../domain/access.js';
import {
  RADIUS_VERSIONS,
  type ChangeableTerms,
  type CounterDirection,
  type MessageAuthenticatorPolicy,
  type NasVendor,
  type RadiusVersion,
} from '../domain/nas.js';
import type { EapMethod } from './authentication/eap-state.js';
import {
  formatIpv6,
  ipv4Number,
  maskOctets,
  parseIpv4,
  parseIpv6,
  parsePrefix,
  type AddressPrefix,
} from './ip-address.js';
import { SharedSecret } from './shared-secret.js';

/** How a NAS takes CoA- and Disconnect-Requests. */
export interface DynamicAuthorizationOptions {
  readonly address: string;
  /** 3799 by RFC 5176; RouterOS has 1700 unless told otherwise. */
  readonly port: number;
  /** The NAS' own secret when absent. */
  readonly secret?: string;
  /** Whether to send Message-Authenticator; some old equipment refuses it. Default true. */
  readonly messageAuthenticator?: boolean;
}

export interface NasClientOptions {
  /** As the operator calls it; unique. It becomes part of session keys. */
  readonly name: string;
  /** Where the identities of its subscribers live. */
  readonly networkScope: string;
  /** Addresses and ranges ("192.0.2.1", "10.0.0.0/8", "2001:db8::/48"); none for TLS only. */
  readonly addresses: readonly string[];
  /** Needed where several NAS share an address. */
  readonly nasIdentifier?: string;
  /** Newest first: while a secret is being changed, the NAS may still use an older one. */
  readonly secrets: readonly string[];
  readonly vendor: NasVendor;
  /** Default `auto`. */
  readonly messageAuthenticator?: MessageAuthenticatorPolicy;
  /** Default `input-is-upload`. */
  readonly counterDirection?: CounterDirection;
  /** What all its sessions are, where its requests don't tell. */
  readonly connection?: ConnectionKind;
  /** DNS names, addresses or common names of its certificate, for RADIUS over TLS. */
  readonly certificateNames?: readonly string[];
  /** What it may speak over TLS. Default: whatever the listener does. */
  readonly tlsVersions?: readonly RadiusVersion[];
  /** EAP methods offered, best first. Default: MS-CHAP-V2, then MD5. */
  readonly eapMethods?: readonly EapMethod[];
  readonly dynamicAuthorization?: DynamicAuthorizationOptions;
  /** Orders go by the TLS connection that it has opened, by UDP only while there is none. */
  readonly steeringOverTls?: boolean;
  /** Terms that it can change while a session lasts, where the table of vendors is wrong. */
  readonly changeableTerms?: ChangeableTerms;
}

/** Where a NAS takes CoA- and Disconnect-Requests, with its secrets made ready. */
export interface DynamicAuthorization {
  readonly address: string;
  readonly port: number;
  /** Newest first, at least one. */
  readonly secrets: NasClient['secrets'];
  readonly messageAuthenticator: boolean;
}

/** A NAS with its defaults filled in and its secrets made ready. */
export interface NasClient {
  readonly name: string;
  readonly networkScope: string;
  readonly nasIdentifier: string | null;
  /** Newest first, at least one. */
  readonly secrets: readonly [SharedSecret, ...SharedSecret[]];
  readonly vendor: NasVendor;
  readonly messageAuthenticator: MessageAuthenticatorPolicy;
  readonly counterDirection: CounterDirection;
  readonly connection: ConnectionKind | null;
  /** Several devices may be declared as this one: by a range, or by a certificate that they share. */
  readonly isMany: boolean;
  readonly certificateNames: readonly string[];
  readonly tlsVersions: readonly RadiusVersion[];
  readonly eapMethods: readonly EapMethod[];
  readonly dynamicAuthorization: DynamicAuthorization | null;
  readonly steeringOverTls: boolean;
  readonly changeableTerms: ChangeableTerms;
}

/** Clients that cannot be: every fault at once, for the operator. */
export class NasClientsError extends Error {
  readonly code = 'TOLLD_RADIUS_NAS_CLIENTS';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`RADIUS clients: ${faults.join('; ')}`);
    this.name = 'NasClientsError';
    this.faults = faults;
  }
}

const EAP_METHODS_DEFAULT: readonly EapMethod[] = ['ms-chap2', 'md5'];
const NAME_PATTERN = /^[\w.@-]{1,64}$/;
/** Resolved sources remembered; beyond that they are looked up again. */
const RESOLVED_MAX = 65_536;

export interface NasRegistry {
  /** Clients that an address may belong to, most specific first. */
  atAddress(address: string): readonly NasClient[];
  /** Addresses that are declared by themselves, not as part of a range. */
  hosts(): readonly string[];
  /** Clients that a certificate with these names may belong to. */
  withCertificate(names: readonly string[]): readonly NasClient[];
  /** The client by the operator's name. */
  named(name: string): NasClient | undefined;
}

/**
 * The client of a request among those its source may belong to: the first with the request's
 * NAS-Identifier, or with none of its own. Candidates are ordered from the longest prefix to the
 * shortest, named ones first.
 */
export function selectNas(
  candidates: readonly NasClient[],
  nasIdentifier: string | undefined,
): NasClient | undefined {
  for (const client of candidates) {
    if (client.nasIdentifier === null || client.nasIdentifier === nasIdentifier) return client;
  }
  return undefined;
}

interface PlacedClient {
  readonly client: NasClient;
  readonly prefix: AddressPrefix;
}

/** @throws NasClientsError with all faults of the list. */
export function createNasRegistry(options: readonly NasClientOptions[]): NasRegistry {
  const faults: string[] = [];
  const placed: PlacedClient[] = [];
  const byName = new Map<string, NasClient>();
  for (const one of options) {
    const client = readClient(one, faults);
    if (client === undefined) continue;
    if (byName.has(client.name)) faults.push(`${client.name}: the name is used twice`);
    byName.set(client.name, client);
    for (const text of one.addresses) {
      const prefix = parsePrefix(text);
      if (prefix === undefined) faults.push(`${client.name}: ${text} is no address or range`);
      else placed.push({ client, prefix });
    }
  }
  faults.push(...findClashes(placed));
  if (faults.length > 0) throw new NasClientsError(faults);
  const resolve = resolver(placed);
  const hosts = [...new Set(placed.flatMap(({ prefix }) => hostOf(prefix) ?? []))];
  const clients = [...byName.values()];
  return {
    atAddress: resolve,
    hosts: () => hosts,
    withCertificate: (names) => {
      const known = new Set(names.map((name) => name.toLowerCase()));
      return clients
        .filter(({ certificateNames }) => certificateNames.some((name) => known.has(name)))
        .sort(byIdentifier);
    },
    named: (name) => byName.get(name),
  };
}

/** Whether addresses can be those of one device: one of each family, and no range. */
function isOneDevice(addresses: readonly string[]): boolean {
  const prefixes = addresses.map(parsePrefix);
  const families = new Set(prefixes.map((prefix) => prefix?.family));
  const areHosts = prefixes.every((prefix) => prefix !== undefined && hostOf(prefix) !== undefined);
  return areHosts && prefixes.length > 0 && families.size === prefixes.length;
}

/** The address of a prefix that has no other in it, as the system writes it. */
function hostOf({ octets, bits }: AddressPrefix): string | undefined {
  if (bits < octets.length * 8) return undefined;
  return octets.length === 4 ? octets.join('.') : formatIpv6(octets);
}

function byIdentifier(one: NasClient, other: NasClient): number {
  return Number(one.nasIdentifier === null) - Number(other.nasIdentifier === null);
}

function readClient(options: NasClientOptions, faults: string[]): NasClient | undefined {
  const { name } = options;
  if (!NAME_PATTERN.test(name)) faults.push(`${name}: a name has 1 to 64 letters, digits or .@_-`);
  const secrets = readSecrets(name, options.secrets, faults);
  const certificateNames = (options.certificateNames ?? []).map((one) => one.toLowerCase());
  if (options.addresses.length === 0 && certificateNames.length === 0) {
    faults.push(`${name}: neither an address nor a certificate name`);
  }
  if (options.steeringOverTls === true && certificateNames.length === 0) {
    faults.push(`${name}: orders over TLS, and no certificate name`);
  }
  if (secrets === undefined) return undefined;
  const dynamicAuthorization = readDynamicAuthorization(options, secrets, faults);
  return {
    name,
    networkScope: options.networkScope,
    nasIdentifier: options.nasIdentifier ?? null,
    secrets,
    vendor: options.vendor,
    messageAuthenticator: options.messageAuthenticator ?? 'auto',
    counterDirection: options.counterDirection ?? 'input-is-upload',
    connection: options.connection ?? null,
    isMany: options.nasIdentifier === undefined && !isOneDevice(options.addresses),
    certificateNames,
    tlsVersions: options.tlsVersions ?? RADIUS_VERSIONS,
    eapMethods: options.eapMethods ?? EAP_METHODS_DEFAULT,
    dynamicAuthorization,
    steeringOverTls: options.steeringOverTls ?? false,
    changeableTerms: options.changeableTerms ?? {},
  };
}

function readDynamicAuthorization(
  { name, dynamicAuthorization: given }: NasClientOptions,
  ofNas: NasClient['secrets'],
  faults: string[],
): DynamicAuthorization | null {
  if (given === undefined) return null;
  const { port, secret, messageAuthenticator = true } = given;
  const v6 = parseIpv6(given.address);
  // Replies are told by their source as the system writes it.
  const address = v6 === undefined ? given.address : formatIpv6(v6);
  if (v6 === undefined && parseIpv4(address) === undefined) {
    faults.push(`${name}: ${address} is no address`);
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    faults.push(`${name}: ${port} is no port`);
  }
  const secrets = secret === undefined ? ofNas : readSecrets(name, [secret], faults);
  return secrets === undefined ? null : { address, port, secrets, messageAuthenticator };
}

function readSecrets(
  name: string,
  given: readonly string[],
  faults: string[],
): NasClient['secrets'] | undefined {
  try {
    const [first, ...older] = given.map((secret) => new SharedSecret(secret));
    if (first !== undefined) return [first, ...older];
    faults.push(`${name}: no secret`);
  } catch (error) {
    faults.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return undefined;
}

/** Two clients of one address need different identifiers, or nobody could tell them apart. */
function findClashes(placed: readonly PlacedClient[]): string[] {
  const seen = new Map<string, NasClient>();
  const faults: string[] = [];
  for (const { client, prefix } of placed) {
    const place = `${prefixKey(prefix.octets, prefix.bits)} ${client.nasIdentifier ?? ''}`;
    const other = seen.get(place);
    if (other !== undefined && other.name !== client.name) {
      faults.push(`${client.name} and ${other.name}: same addresses, same NAS-Identifier`);
    }
    seen.set(place, client);
  }
  return faults;
}

/** IPv4 and IPv6 keys never meet: one has 8 hex digits, the other 32. */
function prefixKey(octets: Buffer, bits: number): string {
  return `${octets.toString('hex')}/${bits}`;
}

/** Clients by the prefixes of one length. */
interface PrefixLength<Key> {
  readonly bits: number;
  readonly clients: ReadonlyMap<Key, readonly NasClient[]>;
}

const NONE: readonly NasClient[] = [];

function resolver(placed: readonly PlacedClient[]): (address: string) => readonly NasClient[] {
  const v4 = byLength(placed, 4, (octets) => octets.readUInt32BE());
  const v6 = byLength(placed, 6, (octets) => octets.toString('latin1'));
  const resolved = new Map<string, readonly NasClient[]>();

  const find = (address: string): readonly NasClient[] => {
    const number = ipv4Number(address);
    // A flood of strangers comes this way: nothing is made for them.
    if (number !== undefined) return findIpv4(v4, number);
    const octets = v6.length === 0 ? undefined : parseIpv6(address);
    if (octets === undefined) return NONE;
    return v6.flatMap(
      ({ bits, clients }) => clients.get(maskOctets(octets, bits).toString('latin1')) ?? NONE,
    );
  };

  return (address) => {
    const known = resolved.get(address);
    if (known !== undefined) return known;
    const found = find(address);
    // Unknown sources are not remembered: a flood of spoofed ones must not push out real ones.
    if (found.length > 0) {
      if (resolved.size >= RESOLVED_MAX) resolved.clear();
      resolved.set(address, found);
    }
    return found;
  };
}

function findIpv4(lengths: readonly PrefixLength<number>[], address: number): readonly NasClient[] {
  let found = NONE;
  for (const { bits, clients } of lengths) {
    const mask = bits === 0 ? 0 : -1 << (32 - bits);
    const ofLength = clients.get((address & mask) >>> 0);
    if (ofLength !== undefined) found = found.length === 0 ? ofLength : [...found, ...ofLength];
  }
  return found;
}

/** The longest prefixes first; of one prefix, those with an identifier first. */
function byLength<Key>(
  placed: readonly PlacedClient[],
  family: AddressPrefix['family'],
  keyOf: (octets: Buffer) => Key,
): readonly PrefixLength<Key>[] {
  const lengths = new Map<number, Map<Key, readonly NasClient[]>>();
  for (const { client, prefix } of placed) {
    if (prefix.family !== family) continue;
    const clients = lengths.get(prefix.bits) ?? new Map<Key, readonly NasClient[]>();
    const key = keyOf(prefix.octets);
    clients.set(key, [...(clients.get(key) ?? NONE), client].sort(byIdentifier));
    lengths.set(prefix.bits, clients);
  }
  return [...lengths]
    .map(([bits, clients]) => ({ bits, clients }))
    .sort((one, other) => other.bits - one.bits);
}
