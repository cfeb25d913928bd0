/**
 * One Access-Request from packet to reply: which proof it carries, what the engine is asked, and
 * how its decision is written for this NAS.
 */
import { hash } from 'node:crypto';
import type {
  AccessDecision,
  AccessHandler,
  AccessRequest,
  AccessTerms,
  ConnectionKind,
  TermName,
} from '../domain/access.js';
import { attributeValue, type RawAttribute } from './attribute.js';
import { takeEapRound, type EapStep } from './authentication/eap.js';
import { chapCheck } from './authentication/chap.js';
import { msChap2Check, msChapCheck } from './authentication/ms-chap-check.js';
import { papCheck, plainPapCheck } from './authentication/pap.js';
import {
  BROKEN_PROOF,
  NO_PROOF,
  createProof,
  proofStations,
  type FrontProof,
  type ProofCheck,
  type SecretInUse,
} from './authentication/proof.js';
import { spreadInterimSeconds } from './authorization/interim-interval.js';
import { writeAcceptTerms } from './authorization/capabilities.js';
import { encodeClass } from './class-value.js';
import { MsChap2Response, MsChapChallenge, MsChapResponse } from './generated/microsoft.js';
import {
  AcctSessionId,
  CallingStationId,
  ChapChallenge,
  ChapPassword,
  Class,
  EapMessage,
  ErrorCause,
  FramedProtocol,
  ReplyMessage,
  ServiceType,
  SessionTimeout,
  State,
  UserName,
  UserPassword,
} from './generated/standard.js';
import type { NasClient } from './nas-clients.js';
import { PACKET_CODES } from './packet-code.js';
import type { RadiusPacket } from './packet.js';
import {
  networkContext,
  requestConnection,
  requestDevice,
  requestIdentities,
  requestStation,
} from './request-context.js';
import type { SealingKeys } from './sealing-keys.js';
import { sessionKeyOf } from './session-key.js';
import type { SharedSecret } from './shared-secret.js';

export interface AccessExchangeOptions {
  readonly keys: SealingKeys;
  readonly serverName: string;
  readonly eapRoundSeconds: number;
}

export interface AccessExchangeDependencies {
  readonly access: AccessHandler;
  /** Told which terms of an accepted session its NAS has no attribute for. */
  readonly onTermsLeft: (left: readonly TermName[], request: GenuineRequest) => void;
}

/** A request that is known to come from a NAS. */
export interface GenuineRequest {
  readonly packet: RadiusPacket;
  readonly nas: NasClient;
  /** Of who sent it: the NAS, or a proxy in front of it. */
  readonly address: string;
  /**
   * The secret that proved the request, or the one its NAS was last seen to use; null over
   * RADIUS/1.1, where nothing is signed or hidden.
   */
  readonly secret: SharedSecret | null;
  /** True when the request itself proved which secret is in use. */
  readonly secretProven: boolean;
  /**
   * Tells it from all others over RADIUS/1.1, where nothing is sent again and a token may come again
   * with another request; null where its identifier and authenticator do.
   */
  readonly uniqueId: string | null;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
}

/** What is answered, Proxy-State apart. */
export interface Reply {
  readonly code: number;
  readonly attributes: readonly RawAttribute[];
  readonly secret: SharedSecret | null;
}

export type AccessExchange = (request: GenuineRequest) => Promise<Reply | null>;

/** Resolves with the reply, or null where nothing could be decided and none may be sent. */
export function createAccessExchange(
  options: AccessExchangeOptions,
  { access, onTermsLeft }: AccessExchangeDependencies,
): AccessExchange {
  return async (request) => {
    const { packet, nas } = request;
    // The password may show that the NAS still uses an older secret than was assumed.
    const inUse: SecretInUse = { secret: null };
    const turn = beginTurn(request, options, inUse);
    if (turn.kind === 'reply') return { ...turn, secret: request.secret };
    const decision = await access(accessRequest(request, turn));
    const secret = request.secretProven ? request.secret : (inUse.secret ?? request.secret);
    const report = (left: readonly TermName[]): void => onTermsLeft(left, request);
    const context = { packet, nas, secret, keys: options.keys, onTermsLeft: report };
    return writeDecision(decision, turn, context);
  };
}

/** What a request asks of the engine, and what EAP adds to the reply. */
interface Question {
  readonly kind: 'question';
  readonly step: AccessRequest['step'];
  readonly proof: FrontProof;
  readonly connection: ConnectionKind;
  readonly eap: Extract<EapStep, { readonly kind: 'prove' | 'admit' }> | null;
  readonly roundSeconds: number;
}

type Turn =
  | Question
  | { readonly kind: 'reply'; readonly code: number; readonly attributes: readonly RawAttribute[] };

function beginTurn(
  request: GenuineRequest,
  options: AccessExchangeOptions,
  inUse: SecretInUse,
): Turn {
  const { packet, nas } = request;
  const stations = proofStations(packet.get(UserName), packet.get(CallingStationId));
  const connection = requestConnection(packet, nas) ?? 'other';
  const ask = (
    step: AccessRequest['step'],
    check: ProofCheck,
    eap: Question['eap'] = null,
  ): Question => ({
    kind: 'question',
    step,
    proof: createProof(check, stations),
    connection,
    eap,
    roundSeconds: options.eapRoundSeconds,
  });
  if (!packet.has(EapMessage)) {
    const none = PROOFS.some((attribute) => packet.has(attribute)) ? BROKEN_PROOF : NO_PROOF;
    return ask('admit', proofCheck(request, inUse) ?? none);
  }
  const eap = takeEapRound(eapRound(request), { ...eapOptions(options), methods: nas.eapMethods });
  switch (eap.kind) {
    case 'challenge':
      return challengeReply(eap, options.eapRoundSeconds);
    case 'failed':
      return {
        kind: 'reply',
        code: PACKET_CODES['Access-Reject'],
        attributes: [
          // [RFC 3579 2.2], in a reject by [RFC 9765 7.2].
          ...(eap.isInvalid ? INVALID_EAP_PACKET : []),
          attributeValue(EapMessage, eap.failure),
        ],
      };
    case 'prove':
      return ask('prove', eap.check, eap);
    case 'admit':
      return ask('admit', eap.check, eap);
  }
}

const INVALID_EAP_PACKET: readonly RawAttribute[] = [
  attributeValue(ErrorCause, ErrorCause.values['Invalid-EAP-Packet']),
];

const PROOFS = [UserPassword, ChapPassword, MsChapResponse, MsChap2Response] as const;

function eapOptions(options: AccessExchangeOptions) {
  return {
    keys: options.keys,
    serverName: options.serverName,
    roundSeconds: options.eapRoundSeconds,
  };
}

function eapRound({ packet, nas, receivedAt }: GenuineRequest) {
  const who = [nas.name, packet.get(UserName) ?? '', packet.get(CallingStationId) ?? ''];
  return {
    message: packet.joined(EapMessage) ?? Buffer.alloc(0),
    state: packet.get(State),
    binding: Buffer.from(JSON.stringify(who)),
    now: receivedAt,
  };
}

function challengeReply(
  challenge: { readonly message: Buffer; readonly state: Buffer },
  roundSeconds: number,
): Extract<Turn, { readonly kind: 'reply' }> {
  return {
    kind: 'reply',
    code: PACKET_CODES['Access-Challenge'],
    attributes: [
      attributeValue(EapMessage, challenge.message),
      attributeValue(State, challenge.state),
      // How long the NAS waits for the peer [RFC 3579 2.3].
      attributeValue(SessionTimeout, roundSeconds),
    ],
  };
}

/** The proof of a request without EAP; undefined for none, or octets that can't be one. */
function proofCheck(request: GenuineRequest, inUse: SecretInUse): ProofCheck | undefined {
  const { packet, nas } = request;
  const msChallenge = packet.get(MsChapChallenge);
  const msChap2 = packet.get(MsChap2Response);
  if (msChap2 !== undefined && msChallenge !== undefined) {
    return msChap2Check(msChap2, msChallenge, packet.get(UserName) ?? '');
  }
  const msChap = packet.get(MsChapResponse);
  if (msChap !== undefined && msChallenge !== undefined) return msChapCheck(msChap, msChallenge);
  const chap = packet.get(ChapPassword);
  const hidden = packet.get(UserPassword);
  if (chap !== undefined) {
    // Not both [RFC 2865 4.1].
    const challenge = chapChallenge(request);
    return hidden === undefined && challenge !== undefined ? chapCheck(chap, challenge) : undefined;
  }
  if (hidden === undefined) return undefined;
  if (request.secret === null) return plainPapCheck(hidden);
  const secrets = request.secretProven ? [request.secret] : nas.secrets;
  return papCheck(hidden, { secrets, requestAuthenticator: packet.authenticator, inUse });
}

/** Without one of its own CHAP uses the authenticator [RFC 2865 2.2], if there is one [RFC 9765 5.1.2]. */
function chapChallenge({ packet, secret }: GenuineRequest): Buffer | undefined {
  return packet.get(ChapChallenge) ?? (secret === null ? undefined : packet.authenticator);
}

/** The same for every resend, whichever process it reaches, and for no other request. */
function requestKey({ packet, nas, uniqueId }: GenuineRequest): string {
  const identity = uniqueId ?? `${packet.identifier} ${packet.authenticator.toString('hex')}`;
  // The name, as not every NAS takes a random authenticator.
  const userName = packet.get(UserName) ?? '';
  return hash('sha256', `${nas.name} ${identity} ${userName}`, 'hex').slice(0, 32);
}

function accessRequest(request: GenuineRequest, question: Question): AccessRequest {
  const { packet, nas, receivedAt } = request;
  const id = packet.get(AcctSessionId);
  const place = { nas: nas.name, device: requestDevice(packet, request) };
  return {
    nas: nas.name,
    networkScope: nas.networkScope,
    requestKey: requestKey(request),
    step: question.step,
    identities: requestIdentities(packet),
    proof: question.proof,
    connection: question.connection,
    sessionKey: id === undefined || id.length === 0 ? null : sessionKeyOf(place, id),
    station: requestStation(packet),
    receivedAt,
    context: networkContext(packet),
  };
}

interface WritingContext {
  readonly packet: RadiusPacket;
  readonly nas: NasClient;
  readonly secret: SharedSecret | null;
  readonly keys: SealingKeys;
  readonly onTermsLeft: (left: readonly TermName[]) => void;
}

function writeDecision(
  decision: AccessDecision,
  question: Question,
  context: WritingContext,
): Reply | null {
  const { secret } = context;
  switch (decision.kind) {
    case 'unavailable':
      return null;
    case 'rejected':
      return {
        code: PACKET_CODES['Access-Reject'],
        attributes: [
          ...question.proof.rejectAttributes(decision.reason),
          ...closing(decision.message, question.eap?.failure),
        ],
        secret,
      };
    case 'proven': {
      if (question.eap?.kind !== 'prove') throw new Error('a proof alone was not asked for');
      return { ...challengeReply(question.eap.next(), question.roundSeconds), secret };
    }
    case 'accepted': {
      if (question.step !== 'admit') throw new Error('an admission was not asked for');
      const success = question.eap?.kind === 'admit' ? question.eap.success : undefined;
      return {
        code: PACKET_CODES['Access-Accept'],
        attributes: [
          ...acceptAttributes(decision, question, context),
          ...closing(decision.message, success),
        ],
        secret,
      };
    }
  }
}

/** The EAP result, or words for the subscriber: never both [RFC 3579 2.6.5]. */
function closing(message: string | null, eapResult: Buffer | undefined): RawAttribute[] {
  if (eapResult !== undefined) return [attributeValue(EapMessage, eapResult)];
  return message === null ? [] : replyMessages(message);
}

const MESSAGE_OCTETS_MAX = 253;

/** Words of any length, over several attributes that end between two characters. */
export function replyMessages(message: string): RawAttribute[] {
  const parts: string[] = [];
  let part = '';
  for (const character of message) {
    if (Buffer.byteLength(part + character) > MESSAGE_OCTETS_MAX) {
      parts.push(part);
      part = '';
    }
    part += character;
  }
  if (part !== '') parts.push(part);
  return parts.map((text) => attributeValue(ReplyMessage, text));
}

function acceptAttributes(
  decision: Extract<AccessDecision, { readonly kind: 'accepted' }>,
  question: Question,
  { packet, nas, secret, keys, onTermsLeft }: WritingContext,
): RawAttribute[] {
  const { session, terms } = decision;
  const { connection } = question;
  const written = writeAcceptTerms(spreadTerms(terms, session.nonce), {
    vendor: nas.vendor,
    connection,
  });
  if (written.left.length > 0) onTermsLeft(written.left);
  const proven = question.proof.acceptAttributes({
    secret,
    requestAuthenticator: packet.authenticator,
    encryption: terms.encryption ?? 'allowed',
  });
  const isPpp = connection === 'pppoe' || connection === 'vpn';
  return [
    attributeValue(Class, encodeClass(session, keys)),
    ...(isPpp && packet.has(FramedProtocol) ? PPP_SERVICE : []),
    ...written.attributes,
    ...proven,
  ];
}

const PPP_SERVICE: readonly RawAttribute[] = [
  attributeValue(ServiceType, ServiceType.values.Framed),
  attributeValue(FramedProtocol, FramedProtocol.values.PPP),
];

function spreadTerms(terms: AccessTerms, nonce: string): AccessTerms {
  if (terms.interimSeconds === undefined) return terms;
  return { ...terms, interimSeconds: spreadInterimSeconds(terms.interimSeconds, nonce) };
}
