/** NAS clients and address pools. */
import type { AddressPool } from '../../../domain/access-plan.js';
import type { NasDeclaration } from '../../../domain/nas.js';
import { SECRET_USES, type SecretBox } from '../../../secret-box.js';
import type { NasFields } from '../format/nas-format.js';
import type { FilePath } from '../reading/file-fault.js';
import type { Entry } from '../reading/read-file.js';
import { parseNetwork } from './address-range.js';
import type { CurrentState, NasState } from './current-state.js';
import { canonicalJson, differences, type Findings } from './findings.js';
import { NETWORK_SCOPE_DEFAULT } from './plan-identities.js';

export interface NasWrite extends NasState {
  readonly name: string;
}

export interface AddressPoolWrite {
  readonly definition: AddressPool;
  readonly retired: boolean;
}

export interface NasPlan {
  readonly nas: NasWrite[];
}

const STEERING_PORT_DEFAULT = 3799;
/** What RFC 2865 section 3 calls for, at least. */
const SECRET_LENGTH_GOOD = 16;

export interface NasContext {
  readonly current: CurrentState;
  readonly secrets: SecretBox;
  readonly findings: Findings;
  readonly plan: NasPlan;
}

export function planNas(entries: readonly Entry<NasFields>[], context: NasContext): void {
  const { current, secrets, findings, plan } = context;
  const after = new Map<string, NasState>(current.nas);
  const places = new Map<string, FilePath>();
  for (const { fields, path } of entries) {
    if (fields === null) continue;
    if (!secrets.canSeal) {
      missingKey(path, 'secret', findings);
      continue;
    }
    const declared: NasState = {
      definition: declareNas(fields, path, context),
      retired: fields.retired ?? false,
    };
    places.set(fields.name, path);
    after.set(fields.name, declared);
    const before = current.nas.get(fields.name);
    const details = before === undefined ? [] : changesOf(before, declared);
    if (before === undefined) findings.create('nas', fields.name);
    else if (declared.retired && !before.retired) findings.remove('nas', fields.name, 'retired');
    else findings.compare('nas', fields.name, details);
    if (before === undefined || details.length > 0)
      plan.nas.push({ name: fields.name, ...declared });
    if (before !== undefined) noteAbruptSecret(fields, { path, before, declared }, findings);
  }
  checkPlaces(after, places, findings);
}

/** Nothing of what follows can be kept without a key, and one fault for it is enough to say so. */
export function missingKey(path: FilePath, field: string, findings: Findings): void {
  findings.fault(
    [...path, field],
    'there is no key to seal secrets with',
    'set TOLLD_SECRETS_KEYS, the same for every process: openssl rand -base64 24 makes one',
  );
}

function declareNas(
  fields: NasFields,
  path: FilePath,
  { secrets, findings }: NasContext,
): NasDeclaration {
  const { name, secret, oldSecret, addresses = [], certificateNames, tlsVersions } = fields;
  const { nasIdentifier, messageAuthenticator, counterDirection, services, eapMethods } = fields;
  const use = SECRET_USES.nas(name);
  for (const [index, address] of addresses.entries()) {
    if (parseNetwork(address) !== null) continue;
    const message = `"${address}" is no IP address and no range`;
    findings.fault([...path, 'addresses', index], message, 'write "192.0.2.1" or "10.0.0.0/8"');
  }
  if (addresses.length === 0 && certificateNames === undefined) {
    const message = 'nothing says where its requests come from';
    findings.fault(path, message, 'add addresses, or certificateNames for RADIUS over TLS');
  }
  if (secret.length < SECRET_LENGTH_GOOD && addresses.length > 0) {
    const message = `the secret of ${name} has fewer than ${SECRET_LENGTH_GOOD} characters`;
    findings.note([...path, 'secret'], message, 'openssl rand -hex 16 makes one that holds');
  }
  const steeringOverTls = fields.steering?.overTls === true;
  if (steeringOverTls && certificateNames === undefined) {
    const message = 'changes go over TLS, and nothing says which connection is its own';
    findings.fault([...path, 'steering'], message, 'add certificateNames, or leave overTls out');
  }
  noteLateVersions(fields, path, findings);
  const dynamicAuthorization = declareSteering(fields, path, { secrets, findings });
  return {
    name,
    networkScope: fields.networkScope ?? NETWORK_SCOPE_DEFAULT,
    addresses,
    ...(nasIdentifier !== undefined && { nasIdentifier }),
    secrets: [secret, ...(oldSecret === undefined ? [] : [oldSecret])].map((one) =>
      secrets.seal(use, one),
    ),
    vendor: fields.vendor,
    ...(messageAuthenticator !== undefined && { messageAuthenticator }),
    ...(counterDirection !== undefined && { counterDirection }),
    ...(services !== undefined && { services }),
    ...(certificateNames !== undefined && { certificateNames }),
    ...(tlsVersions !== undefined && { tlsVersions }),
    ...(eapMethods !== undefined && { eapMethods }),
    ...(steeringOverTls && { steeringOverTls }),
    ...(dynamicAuthorization !== null && { dynamicAuthorization }),
    ...(fields.changeable !== undefined && {
      changeableTerms: Object.fromEntries(
        fields.changeable.map(({ connection, terms }) => [connection, terms]),
      ),
    }),
  };
}

/** Versions are agreed on before the certificate says who it is; its address says so in time. */
function noteLateVersions(
  { name, addresses = [], certificateNames, tlsVersions }: NasFields,
  path: FilePath,
  findings: Findings,
): void {
  if (tlsVersions === undefined) return;
  const at = [...path, 'tlsVersions'];
  if (certificateNames === undefined) {
    const message = `${name} has no certificate name, and speaks nothing over TLS`;
    findings.note(at, message, 'add certificateNames, or leave tlsVersions out');
  } else if (addresses.length === 0 && !tlsVersions.includes('1.1')) {
    const message = `${name} is turned away where it offers RADIUS/1.1 beside 1.0`;
    findings.note(at, message, 'add addresses: by them it is known before it has agreed on 1.1');
  }
}

function declareSteering(
  { name, steering, addresses = [] }: NasFields,
  path: FilePath,
  { secrets, findings }: Pick<NasContext, 'secrets' | 'findings'>,
): NonNullable<NasDeclaration['dynamicAuthorization']> | null {
  if (steering === undefined) return null;
  if (steering.overTls === true && steering.address === undefined) return null;
  const own = addresses.length === 1 ? addresses[0] : undefined;
  const address = steering.address ?? own;
  const span = address === undefined ? null : parseNetwork(address);
  if (address === undefined || span === null || span.first !== span.last) {
    const message = 'nothing says to which address changes are sent';
    findings.fault([...path, 'steering'], message, 'add address: one IP address of the NAS');
    return null;
  }
  const { secret, messageAuthenticator } = steering;
  return {
    address: address.replace(/\/\d+$/, ''),
    port: steering.port ?? STEERING_PORT_DEFAULT,
    ...(secret !== undefined && { secret: secrets.seal(SECRET_USES.nas(name), secret) }),
    ...(messageAuthenticator !== undefined && { messageAuthenticator }),
  };
}

/** What changes, without a word of secrets but that they do. */
function changesOf(before: NasState, after: NasState): string[] {
  const split = ({ definition, retired }: NasState) => {
    const { name: _, secrets, dynamicAuthorization, ...open } = definition;
    const { secret, ...steering } = dynamicAuthorization ?? { secret: undefined };
    return { open: { ...open, retired, steering }, sealed: { secrets, secret } };
  };
  const [had, has] = [split(before), split(after)];
  const replaced = canonicalJson(had.sealed) !== canonicalJson(has.sealed);
  return [...differences(had.open, has.open), ...(replaced ? ['secret: replaced'] : [])];
}

/** A secret that is replaced at once closes the NAS out until somebody has typed it there. */
function noteAbruptSecret(
  { name, oldSecret }: NasFields,
  state: { readonly path: FilePath; readonly before: NasState; readonly declared: NasState },
  findings: Findings,
): void {
  const { before, declared, path } = state;
  const kept = new Set<string>(declared.definition.secrets);
  const [used] = before.definition.secrets;
  if (oldSecret !== undefined || used === undefined || kept.has(used) || before.retired) return;
  // Sealed with another key, the same secret looks like another one.
  if (used.split('.')[1] !== declared.definition.secrets[0]?.split('.')[1]) return;
  const message = `the secret of ${name} changes at once: what it sends with the old one is dropped`;
  const remedy = 'keep the old one as oldSecret until the NAS has the new one';
  findings.note([...path, 'secret'], message, remedy);
}

/** Two of one place need different identifiers, or nobody could tell them apart. */
function checkPlaces(
  all: ReadonlyMap<string, NasState>,
  places: ReadonlyMap<string, FilePath>,
  findings: Findings,
): void {
  const taken = new Map<string, string>();
  // Those that are there already come first, so that the fault has a place in the file.
  const sorted = [...all].sort(([a], [b]) => Number(places.has(a)) - Number(places.has(b)));
  for (const [name, { definition, retired }] of sorted) {
    if (retired) continue;
    for (const address of definition.addresses) {
      const span = parseNetwork(address);
      if (span === null) continue;
      const place = [span.family, span.first, span.last, definition.nasIdentifier ?? ''].join(' ');
      const other = taken.get(place);
      if (other === undefined) taken.set(place, name);
      else if (other !== name) {
        const message = `${address} is where NAS ${other} is too, and nothing tells the two apart`;
        const remedy = 'give each a nasIdentifier, or retire one';
        findings.fault([...(places.get(name) ?? []), 'addresses'], message, remedy);
      }
    }
  }
}
