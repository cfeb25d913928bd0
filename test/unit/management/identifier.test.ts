import { expect, test } from 'vitest';
import { newIdentifier } from '../../../src/management/identifier.js';

test('an identifier is a UUID of version 7 that begins with its time', () => {
  const at = Date.parse('2026-06-01T00:00:00Z');
  const identifier = newIdentifier(at);
  expect(identifier).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(parseInt(identifier.replaceAll('-', '').slice(0, 12), 16)).toBe(at);
  expect(newIdentifier(at)).not.toBe(identifier);
  expect(newIdentifier(at + 1) > identifier).toBe(true);
});
