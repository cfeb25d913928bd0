import { expect, test, vi } from 'vitest';
import { createCredentialOpener } from '../../../../src/credit-control/access/credential.js';
import { createSecretBox, SECRET_USES } from '../../../../src/secret-box.js';

const box = createSecretBox(['a key for the test']);
const use = SECRET_USES.subscriber('anna');

function clear(password: string) {
  return { kind: 'clear', password: box.seal(use, password) } as const;
}

test('a credential is opened once for as long as it is the same', () => {
  const opens = vi.spyOn(box, 'open');
  const open = createCredentialOpener(box);
  const first = clear('sekrit');
  expect(open(first, 'anna')).toEqual({ kind: 'clear', password: 'sekrit' });
  expect(open(first, 'anna')).toEqual({ kind: 'clear', password: 'sekrit' });
  expect(opens).toHaveBeenCalledTimes(1);
});

test('a changed credential is opened anew', () => {
  const open = createCredentialOpener(box);
  expect(open(clear('sekrit'), 'anna')).toEqual({ kind: 'clear', password: 'sekrit' });
  expect(open(clear('changed'), 'anna')).toEqual({ kind: 'clear', password: 'changed' });
});

test('one that does not open is tried again each time', () => {
  const open = createCredentialOpener(createSecretBox(['another key of the test']));
  const sealed = clear('sekrit');
  for (const attempt of [1, 2]) {
    expect(() => open(sealed, 'anna'), String(attempt)).toThrow('sealed with key');
  }
});
