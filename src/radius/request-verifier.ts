/**
 * Whether a request is genuine, and with which of its NAS' secrets. What a source was last seen to
 * do helps where a request itself proves nothing.
 */
import {
  messageAuthenticatorField,
  verifyMessageAuthenticator,
  verifyRequestAuthenticator,
  type MessageAuthenticatorVerdict,
} from './authenticator.js';
import { EapMessage, ProxyState } from './generated/standard.js';
import { judgeAccessRequest } from './message-authenticator-policy.js';
import type { NasClient } from './nas-clients.js';
import { PACKET_CODES } from './packet-code.js';
import type { RadiusPacket } from './packet.js';
import type { SharedSecret } from './shared-secret.js';

export interface RequestSource {
  readonly nas: NasClient;
  readonly address: string;
  /** The secret of a TLS connection, instead of the client's own. */
  readonly tlsSecret: SharedSecret | null;
}

export type Verdict =
  | {
      readonly ok: true;
      readonly secret: SharedSecret;
      /** False where the secret is only the likeliest one. */
      readonly secretProven: boolean;
      /** Accepted although it could be forged. */
      readonly unprotected: boolean;
    }
  | {
      readonly ok: false;
      readonly why:
        'bad-authenticator' | 'bad-message-authenticator' | 'message-authenticator-missing';
    };

export interface RequestVerifierDependencies {
  /** Told when a source has first sent a valid Message-Authenticator. */
  readonly onLearned: (source: string) => void;
}

interface SourceMemory {
  secret: SharedSecret | null;
  sendsMessageAuthenticator: boolean;
}

/** Sources remembered; only those that proved a secret are. */
const SOURCES_MAX = 65_536;

export class RequestVerifier {
  readonly #onLearned: (source: string) => void;
  readonly #sources = new Map<string, SourceMemory>();

  constructor({ onLearned }: RequestVerifierDependencies) {
    this.#onLearned = onLearned;
  }

  /** Sources that are known to send Message-Authenticator always, from an earlier life. */
  learn(sources: Iterable<string>): void {
    for (const source of sources) this.#remember(source).sendsMessageAuthenticator = true;
  }

  verify(packet: RadiusPacket, source: RequestSource): Verdict {
    const secrets = source.tlsSecret === null ? source.nas.secrets : ([source.tlsSecret] as const);
    const found = findSecret(packet, secrets);
    if (packet.code === PACKET_CODES['Access-Request']) {
      return this.#verifyAccess(packet, source, found);
    }
    if (packet.code === PACKET_CODES['Status-Server']) {
      // Without one it can be anybody's [RFC 5997 3].
      if (found.verdict === 'absent') return { ok: false, why: 'message-authenticator-missing' };
    } else if (!found.requestAuthenticator) return { ok: false, why: 'bad-authenticator' };
    if (found.verdict === 'invalid') return { ok: false, why: 'bad-message-authenticator' };
    this.#remember(sourceName(source)).secret = found.secret;
    return { ok: true, secret: found.secret, secretProven: true, unprotected: false };
  }

  #verifyAccess(packet: RadiusPacket, source: RequestSource, found: FoundSecret): Verdict {
    const { nas, tlsSecret } = source;
    const known = this.#sources.get(sourceName(source));
    const judgement = judgeAccessRequest({
      // Nobody between the ends of a TLS connection can change a packet.
      policy: tlsSecret === null ? nas.messageAuthenticator : 'off',
      verdict: found.verdict,
      learned: known?.sendsMessageAuthenticator ?? false,
      hasProxyState: packet.has(ProxyState),
      hasEapMessage: packet.has(EapMessage),
    });
    if (!judgement.accepted) return { ok: false, why: judgement.why };
    if (found.verdict === 'valid') {
      this.#learnFrom(source, found.secret);
      return { ok: true, secret: found.secret, secretProven: true, unprotected: false };
    }
    // Nothing in the request tells the secret: the one its NAS last used, if it still has it.
    const last = known?.secret ?? null;
    const used = last === null ? undefined : nas.secrets.find((secret) => secret.equals(last));
    const likeliest = used ?? nas.secrets[0];
    return {
      ok: true,
      secret: tlsSecret ?? likeliest,
      secretProven: tlsSecret !== null,
      unprotected: judgement.warn,
    };
  }

  #learnFrom(source: RequestSource, secret: SharedSecret): void {
    const name = sourceName(source);
    const memory = this.#remember(name);
    memory.secret = secret;
    if (memory.sendsMessageAuthenticator) return;
    memory.sendsMessageAuthenticator = true;
    this.#onLearned(name);
  }

  #remember(source: string): SourceMemory {
    const known = this.#sources.get(source);
    if (known !== undefined) return known;
    if (this.#sources.size >= SOURCES_MAX) {
      const oldest = this.#sources.keys().next().value;
      if (oldest !== undefined) this.#sources.delete(oldest);
    }
    const memory: SourceMemory = { secret: null, sendsMessageAuthenticator: false };
    this.#sources.set(source, memory);
    return memory;
  }
}

/** One NAS behind one address: a range may hold many, of which not all are of one age. */
function sourceName({ nas, address }: RequestSource): string {
  return `${nas.name} ${address}`;
}

interface FoundSecret {
  readonly secret: SharedSecret;
  readonly verdict: MessageAuthenticatorVerdict;
  /** Whether the Request Authenticator is the digest it has to be; false where it is random. */
  readonly requestAuthenticator: boolean;
}

/** The first secret that the request proves; otherwise what the newest says of it. */
function findSecret(
  packet: RadiusPacket,
  secrets: readonly [SharedSecret, ...SharedSecret[]],
): FoundSecret {
  const isRandom =
    packet.code === PACKET_CODES['Access-Request'] || packet.code === PACKET_CODES['Status-Server'];
  const field = messageAuthenticatorField(packet);
  const [newest] = secrets;
  let first: FoundSecret = { secret: newest, verdict: 'absent', requestAuthenticator: false };
  for (const secret of secrets) {
    const requestAuthenticator = !isRandom && verifyRequestAuthenticator(packet, secret);
    // One digest tells that a packet is forged; a second one would only cost more.
    const isForged = !isRandom && !requestAuthenticator;
    const verdict = isForged ? 'absent' : verifyMessageAuthenticator(packet, secret, field);
    const found = { secret, verdict, requestAuthenticator };
    if (isRandom ? verdict === 'valid' : requestAuthenticator) return found;
    if (secret === newest) first = found;
  }
  return first;
}
