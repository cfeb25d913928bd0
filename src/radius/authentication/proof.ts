/**
 * Proofs as the engine sees them: something to check a stored secret against. Each method says how
 * it compares with a password or a hash; what is common to all stands here.
 */
import {
  canonicalMac,
  type AccessMethod,
  type AccessProof,
  type AccessSecret,
  type ProofResult,
  type RejectReason,
} from '../../domain/access.js';
import { attributeValue, type RawAttribute } from '../attribute.js';
import { ErrorCause } from '../generated/standard.js';
import type { HidingContext } from '../hidden-value.js';
import type { SharedSecret } from '../shared-secret.js';
import { stationPasswords } from './station.js';

/** What a method can do with what it received. */
export interface ProofCheck {
  readonly method: AccessMethod;
  /** True when the proof was made with this password. */
  readonly withPassword: (password: string) => boolean;
  /** True when it was made with the password of this NT hash; absent where that can't be known. */
  readonly withNtHash?: (hash: Buffer) => boolean;
  /** The password itself, once per shared secret that it may be hidden with. */
  readonly passwords?: readonly Buffer[];
  /** Attributes of the Access-Accept; asked for only after the proof held. */
  readonly acceptAttributes?: (context: AcceptContext) => RawAttribute[];
  /** Attributes of the Access-Reject. */
  readonly rejectAttributes?: (reason: RejectReason) => RawAttribute[];
}

export interface AcceptContext extends HidingContext {
  readonly encryption: 'none' | 'allowed' | 'required';
}

/** The stations that a proof speaks of, as canonical MACs; null where there is none. */
export interface ProofStations {
  /** The MAC that the user name spells. */
  readonly named: string | null;
  /** The MAC that the NAS saw. */
  readonly calling: string | null;
}

/** A proof on its way to the engine and back into the reply. */
export interface FrontProof extends AccessProof {
  acceptAttributes(context: AcceptContext): RawAttribute[];
  rejectAttributes(reason: RejectReason): RawAttribute[];
}

export function createProof(check: ProofCheck, stations: ProofStations): FrontProof {
  return {
    method: check.method,
    verify: (secret) => verify(check, stations, secret),
    acceptAttributes: (context) => check.acceptAttributes?.(context) ?? [],
    rejectAttributes: (reason) => check.rejectAttributes?.(reason) ?? [],
  };
}

function outcome(holds: boolean): ProofResult {
  return holds ? 'proven' : 'wrong';
}

function verify(
  check: ProofCheck,
  stations: ProofStations,
  secret: AccessSecret,
): ProofResult | Promise<ProofResult> {
  switch (secret.kind) {
    case 'clear':
      return outcome(check.withPassword(secret.password));
    case 'nt-hash':
      if (check.withNtHash === undefined) return 'unsupported';
      return outcome(check.withNtHash(Buffer.from(secret.hash)));
    case 'one-way':
      return verifyOneWay(check, secret.matches);
    case 'station':
      return outcome(verifyStation(check, stations, secret.password));
  }
}

async function verifyOneWay(
  check: ProofCheck,
  matches: (password: Uint8Array) => Promise<boolean>,
): Promise<ProofResult> {
  if (check.passwords === undefined) return 'unsupported';
  for (const password of check.passwords) {
    // The password in clear says which of the shared secrets was used, for the reply.
    if (await matches(password)) return outcome(check.withPassword(password.toString('utf8')));
  }
  return 'wrong';
}

/** A station may prove itself with nothing but its address, if it is its own. */
function verifyStation(
  check: ProofCheck,
  stations: ProofStations,
  password: string | null,
): boolean {
  const { named, calling } = stations;
  if (named === null || (calling !== null && calling !== named)) return false;
  if (check.method === 'none') return true;
  return stationPasswords(named, password).some((candidate) => check.withPassword(candidate));
}

/** The stations of a request: the user name where it is a MAC, and the calling station. */
export function proofStations(
  userName: string | undefined,
  callingStation: string | undefined,
): ProofStations {
  return {
    named: userName === undefined ? null : canonicalMac(userName),
    calling: callingStation === undefined ? null : canonicalMac(callingStation),
  };
}

/** A request that carries no proof: only a station's address can be admitted by it. */
export const NO_PROOF = withoutProof('Missing-Attribute');
/** One whose proof can't be read, or that carries two. */
export const BROKEN_PROOF = withoutProof('Invalid-Request');

function withoutProof(cause: keyof typeof ErrorCause.values): ProofCheck {
  return {
    method: 'none',
    withPassword: () => false,
    // Where nothing else stood against it [RFC 9765 7.2].
    rejectAttributes: (reason) =>
      reason === 'wrong-password' || reason === 'method-unsupported'
        ? [attributeValue(ErrorCause, ErrorCause.values[cause])]
        : [],
  };
}

/** Which shared secret a method has found to be the one in use; null as long as none is known. */
export interface SecretInUse {
  secret: SharedSecret | null;
}
