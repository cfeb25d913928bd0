import { describe, expect, test } from 'vitest';
import { isSealedText } from '../../src/domain/sealed-text.js';
import { createSecretBox, SecretBoxError } from '../../src/secret-box.js';

const KEY = 'a key of the operator';
const OLDER = 'an older key of the operator';

describe('a sealed secret', () => {
  const box = createSecretBox([KEY]);
  const sealed = box.seal('nas core', 'täglich sekrit');

  test('opens for the use it was sealed for', () => {
    expect(isSealedText(sealed)).toBe(true);
    expect(box.open('nas core', sealed)).toBe('täglich sekrit');
  });

  test('does not open for another use', () => {
    expect(() => box.open('nas edge', sealed)).toThrow(SecretBoxError);
  });

  test('does not open when any octet of it was changed', () => {
    const [version, id, body = ''] = sealed.split('.');
    for (let at = 0; at < body.length; at += 1) {
      const changed = `${body.slice(0, at)}${body[at] === 'A' ? 'B' : 'A'}${body.slice(at + 1)}`;
      if (Buffer.from(changed, 'base64url').equals(Buffer.from(body, 'base64url'))) continue;
      const text = `${version ?? ''}.${id ?? ''}.${changed}`;
      expect(isSealedText(text) && (() => box.open('nas core', text))).toThrow(SecretBoxError);
    }
  });

  test('is the same again for the same text and use, and another for any other', () => {
    expect(box.seal('nas core', 'täglich sekrit')).toBe(sealed);
    expect(box.seal('nas edge', 'täglich sekrit')).not.toBe(sealed);
    // The bound between use and text counts.
    expect(box.seal('ab', 'c').split('.')[2]).not.toBe(box.seal('a', 'bc').split('.')[2]);
  });

  test('opens after a new key came, which seals from then on', () => {
    const older = createSecretBox([OLDER]).seal('nas core', 'one');
    const both = createSecretBox([KEY, OLDER]);
    expect(both.open('nas core', older)).toBe('one');
    expect(both.seal('nas core', 'one')).toBe(box.seal('nas core', 'one'));
  });

  test('tells which key is missing and nothing of the secret', () => {
    const older = createSecretBox([OLDER]).seal('nas core', 'one');
    expect(() => box.open('nas core', older)).toThrow(/nas core: sealed with key [0-9a-f]{8},/);
  });
});

test('without a key nothing can be sealed', () => {
  const box = createSecretBox([]);
  expect(box.canSeal).toBe(false);
  expect(() => box.seal('nas core', 'one')).toThrow(/TOLLD_SECRETS_KEYS/);
});
