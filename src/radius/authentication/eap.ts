/**
 * The server's end of EAP over RADIUS [RFC 3579]: one function from a received EAP packet and the
 * State that came with it to what happens next. All that lasts from round to round is in State.
 *
 *   identity -> challenge of a method -> (MD5) admit
 *                                     -> (MS-CHAP-V2) prove, show our proof -> agreed -> admit
 */
import { randomBytes } from 'node:crypto';
import type { SealingKeys } from '../sealing-keys.js';
import { eapMd5Check } from './chap.js';
import {
  EAP_TYPES,
  MS_CHAP2_OPCODES,
  decodeEapResponse,
  decodeMd5Response,
  decodeMsChap2Response,
  encodeEapRequest,
  encodeEapResult,
  encodeMd5Challenge,
  encodeMsChap2Challenge,
  encodeMsChap2Success,
  type EapResponse,
} from './eap-packet.js';
import { openEapState, sealEapState, type EapMethod, type EapState } from './eap-state.js';
import { encryptionAttributes, verifyMsChap2, type HeldMsChap2 } from './ms-chap-check.js';
import { ntPasswordHash } from './ms-chap.js';
import { mppeKeyAttributes, type MppeKeys } from './mppe.js';
import type { ProofCheck } from './proof.js';

export interface EapOptions {
  /** Methods offered, best first. */
  readonly methods: readonly EapMethod[];
  readonly keys: SealingKeys;
  /** The name that MS-CHAP-V2 shows to the peer. */
  readonly serverName: string;
  /** How long a peer may take for one round, in seconds. */
  readonly roundSeconds: number;
}

export interface EapRound {
  readonly message: Buffer;
  readonly state: Buffer | undefined;
  /** Who the exchange is with: see {@link sealEapState}. */
  readonly binding: Buffer;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** An EAP request for the peer, and the State that its answer must bring back. */
export interface EapChallenge {
  readonly message: Buffer;
  readonly state: Buffer;
}

export type EapStep =
  | ({ readonly kind: 'challenge' } & EapChallenge)
  /** Check the proof; if it holds, go on with `next`. */
  | {
      readonly kind: 'prove';
      readonly check: ProofCheck;
      readonly next: () => EapChallenge;
      readonly failure: Buffer;
    }
  /** Check the proof and decide. */
  | {
      readonly kind: 'admit';
      readonly check: ProofCheck;
      readonly success: Buffer;
      readonly failure: Buffer;
    }
  /** `isInvalid`: by octets that are no EAP packet, or none of its method. */
  | { readonly kind: 'failed'; readonly failure: Buffer; readonly isInvalid: boolean };

const CHALLENGE_OCTETS = 16;

const METHOD_TYPES: Readonly<Record<EapMethod, number>> = {
  md5: EAP_TYPES.md5,
  'ms-chap2': EAP_TYPES.msChap2,
};

/** Takes one round. Never throws for what a peer sends. */
export function takeEapRound(round: EapRound, options: EapOptions): EapStep {
  // An empty EAP-Message starts EAP: ask who is there [RFC 3579 2.1].
  if (round.message.length === 0) return askIdentity(round, options);
  const response = decodeEapResponse(round.message);
  if (response === undefined) return invalid(round.message[1] ?? 0);
  if (response.type === EAP_TYPES.identity) {
    return challenge(round, options, { identifier: response.identifier, refused: [] });
  }
  const state =
    round.state === undefined
      ? undefined
      : openEapState(round.state, { ...round, keys: options.keys });
  // The identifier of a response is that of the request it answers [RFC 3748 4.1].
  if (state === undefined || state.identifier !== response.identifier) {
    return failed(response.identifier);
  }
  return state.phase === 'proven'
    ? takeAgreement(response, state.keys)
    : takeChallengeResponse(round, options, response, state);
}

function failed(identifier: number, isInvalid = false): EapStep {
  return { kind: 'failed', failure: encodeEapResult('failure', identifier), isInvalid };
}

function invalid(identifier: number): EapStep {
  return failed(identifier, true);
}

function nextIdentifier(identifier: number): number {
  return (identifier + 1) % 256;
}

function expiry(round: EapRound, options: EapOptions): number {
  return round.now + options.roundSeconds * 1000;
}

function askIdentity(round: EapRound, options: EapOptions): EapStep {
  const identifier = randomBytes(1)[0] ?? 0;
  // The answer is an identity, which needs no State; one is sent for peers that expect it.
  const challenged = challengedState(round, options, { identifier, refused: [] });
  if (challenged === undefined) return failed(identifier);
  return {
    kind: 'challenge',
    message: encodeEapRequest(identifier, EAP_TYPES.identity, Buffer.alloc(0)),
    state: sealEapState(challenged, round.binding, options.keys),
  };
}

type ChallengedState = Extract<EapState, { readonly phase: 'challenged' }>;

interface NextMethod {
  /** Identifier of the request that this becomes. */
  readonly identifier: number;
  readonly refused: readonly EapMethod[];
  /** Types that a peer would rather have [RFC 3748 5.3.1]. */
  readonly wanted?: readonly number[];
}

function challengedState(
  round: EapRound,
  options: EapOptions,
  next: NextMethod,
): ChallengedState | undefined {
  const method = options.methods.find(
    (one) => !next.refused.includes(one) && (next.wanted?.includes(METHOD_TYPES[one]) ?? true),
  );
  if (method === undefined) return undefined;
  return {
    phase: 'challenged',
    method,
    identifier: next.identifier,
    expiresAt: expiry(round, options),
    challenge: randomBytes(CHALLENGE_OCTETS),
    refused: next.refused,
  };
}

/** Begins the best method that the peer has not refused. */
function challenge(round: EapRound, options: EapOptions, last: NextMethod): EapStep {
  const next = { ...last, identifier: nextIdentifier(last.identifier) };
  const state = challengedState(round, options, next);
  if (state === undefined) return failed(last.identifier);
  const { identifier, method } = state;
  const data =
    method === 'md5'
      ? encodeMd5Challenge(state.challenge)
      : encodeMsChap2Challenge(identifier, state.challenge, options.serverName);
  return {
    kind: 'challenge',
    message: encodeEapRequest(identifier, METHOD_TYPES[method], data),
    state: sealEapState(state, round.binding, options.keys),
  };
}

function takeChallengeResponse(
  round: EapRound,
  options: EapOptions,
  response: EapResponse,
  state: ChallengedState,
): EapStep {
  if (response.type === EAP_TYPES.nak) {
    const refused = [...state.refused, state.method];
    const wanted = [...response.data];
    return challenge(round, options, { identifier: response.identifier, refused, wanted });
  }
  if (response.type !== METHOD_TYPES[state.method]) return failed(response.identifier);
  return state.method === 'md5'
    ? takeMd5(response, state)
    : takeMsChap2(round, options, response, state);
}

function takeMd5(response: EapResponse, state: ChallengedState): EapStep {
  const { identifier } = response;
  const digest = decodeMd5Response(response.data);
  const check = digest === undefined ? undefined : eapMd5Check(identifier, digest, state.challenge);
  if (check === undefined) return invalid(identifier);
  return {
    kind: 'admit',
    check,
    success: encodeEapResult('success', identifier),
    failure: encodeEapResult('failure', identifier),
  };
}

function takeMsChap2(
  round: EapRound,
  options: EapOptions,
  response: EapResponse,
  state: ChallengedState,
): EapStep {
  const answer = decodeMsChap2Response(response.data);
  if (answer === undefined) return invalid(response.identifier);
  const exchange = {
    authenticatorChallenge: state.challenge,
    peerChallenge: answer.peerChallenge,
    userName: answer.name,
  };
  let held: HeldMsChap2 | undefined;
  const withNtHash = (hash: Buffer): boolean => {
    const now = verifyMsChap2(exchange, answer.ntResponse, hash);
    held = now ?? held;
    return now !== undefined;
  };
  const check: ProofCheck = {
    method: 'eap-ms-chap2',
    withNtHash,
    withPassword: (password) => withNtHash(ntPasswordHash(password)),
  };
  return {
    kind: 'prove',
    check,
    next: () => showProof(round, options, { response, answerIdentifier: answer.identifier, held }),
    failure: encodeEapResult('failure', response.identifier),
  };
}

/** The peer's proof held: show ours, and remember that it did. */
function showProof(
  round: EapRound,
  options: EapOptions,
  proof: {
    readonly response: EapResponse;
    readonly answerIdentifier: number;
    readonly held: HeldMsChap2 | undefined;
  },
): EapChallenge {
  if (proof.held === undefined) throw new Error('no MS-CHAP-V2 proof has held');
  const identifier = nextIdentifier(proof.response.identifier);
  const data = encodeMsChap2Success(proof.answerIdentifier, proof.held.authenticatorResponse);
  const state: EapState = {
    phase: 'proven',
    method: 'ms-chap2',
    identifier,
    expiresAt: expiry(round, options),
    keys: proof.held.keys,
  };
  return {
    message: encodeEapRequest(identifier, EAP_TYPES.msChap2, data),
    state: sealEapState(state, round.binding, options.keys),
  };
}

/** The peer agrees with our proof: everything is shown, what is left is to admit it. */
function takeAgreement(response: EapResponse, keys: MppeKeys): EapStep {
  const { identifier, type, data } = response;
  if (type !== EAP_TYPES.msChap2 || data[0] !== MS_CHAP2_OPCODES.success) return failed(identifier);
  const check: ProofCheck = {
    method: 'eap-ms-chap2',
    withPassword: () => true,
    withNtHash: () => true,
    // Access points and VPN gateways need the keys whatever PPP would do.
    acceptAttributes: (context) =>
      context.encryption === 'none'
        ? mppeKeyAttributes(keys, context)
        : encryptionAttributes(keys, context),
  };
  return {
    kind: 'admit',
    check,
    success: encodeEapResult('success', identifier),
    failure: encodeEapResult('failure', identifier),
  };
}
