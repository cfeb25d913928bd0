/** Whether an Access-Request is genuine enough, by the policy of its NAS (CVE-2024-3596). */
import type { MessageAuthenticatorVerdict } from './authenticator.js';
import type { MessageAuthenticatorPolicy } from '../domain/nas.js';

export interface AccessAuthenticity {
  readonly policy: MessageAuthenticatorPolicy;
  readonly verdict: MessageAuthenticatorVerdict;
  /** This source has sent a valid one before. */
  readonly learned: boolean;
  /** What an attacker between a NAS and us needs to place a chosen prefix. */
  readonly hasProxyState: boolean;
  readonly hasEapMessage: boolean;
}

export type AccessJudgement =
  | { readonly accepted: true; readonly warn: boolean }
  | {
      readonly accepted: false;
      readonly why: 'bad-message-authenticator' | 'message-authenticator-missing';
    };

const ACCEPTED: AccessJudgement = { accepted: true, warn: false };
const MISSING: AccessJudgement = { accepted: false, why: 'message-authenticator-missing' };

export function judgeAccessRequest(request: AccessAuthenticity): AccessJudgement {
  if (request.verdict === 'valid') return ACCEPTED;
  if (request.verdict === 'invalid') return { accepted: false, why: 'bad-message-authenticator' };
  // A request with EAP must have one, whatever the policy [RFC 3579 3.2].
  if (request.hasEapMessage) return MISSING;
  switch (request.policy) {
    case 'off':
      return ACCEPTED;
    case 'require':
      return MISSING;
    case 'auto':
      if (request.learned || request.hasProxyState) return MISSING;
      return { accepted: true, warn: true };
  }
}
