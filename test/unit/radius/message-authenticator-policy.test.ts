import { expect, it } from 'vitest';
import {
  judgeAccessRequest,
  type AccessAuthenticity,
} from '../../../src/radius/message-authenticator-policy.js';

const table: readonly [string, Partial<AccessAuthenticity>, string][] = [
  ['a valid one, required', { policy: 'require', verdict: 'valid' }, 'accepted'],
  ['a valid one, not asked for', { policy: 'off', verdict: 'valid' }, 'accepted'],
  ['a wrong one, not asked for', { policy: 'off', verdict: 'invalid' }, 'bad'],
  ['a wrong one, auto', { policy: 'auto', verdict: 'invalid' }, 'bad'],
  ['none, required', { policy: 'require' }, 'missing'],
  ['none, auto, never seen', { policy: 'auto' }, 'accepted with a warning'],
  ['none, auto, sent before', { policy: 'auto', learned: true }, 'missing'],
  ['none, auto, with Proxy-State', { policy: 'auto', hasProxyState: true }, 'missing'],
  ['none, off', { policy: 'off' }, 'accepted'],
  ['none, off, with Proxy-State', { policy: 'off', hasProxyState: true }, 'accepted'],
  ['none, off, with EAP', { policy: 'off', hasEapMessage: true }, 'missing'],
];

it.each(table)('an Access-Request with %s', (_name, changes, expected) => {
  const judged = judgeAccessRequest({
    policy: 'auto',
    verdict: 'absent',
    learned: false,
    hasProxyState: false,
    hasEapMessage: false,
    ...changes,
  });
  const words = judged.accepted
    ? judged.warn
      ? 'accepted with a warning'
      : 'accepted'
    : judged.why === 'bad-message-authenticator'
      ? 'bad'
      : 'missing';
  expect(words).toBe(expected);
});
