import { expect, it } from 'vitest';
import { canonicalMac } from '../../../src/domain/access.js';

it.each([
  'AA:BB:0C:00:11:2F',
  'aa:bb:0c:00:11:2f',
  'AA-BB-0C-00-11-2F',
  'aabb.0c00.112f',
  'aabb-0c00-112f',
  'aabb0c-00112f',
  'AABB0C00112F',
  'aa bb 0c 00 11 2f',
  'aa:bb:c:0:11:2f',
  ' aa:bb:0c:00:11:2f ',
])('reads %s as one MAC address', (spelling) => {
  expect(canonicalMac(spelling)).toBe('AA:BB:0C:00:11:2F');
});

it.each([
  '',
  'alice',
  'AA:BB:0C:00:11',
  'AA:BB:0C:00:11:2F:33',
  'AA:BB:0C:00:11:2G',
  'AA:BB-0C:00:11:2F',
  'aabb.0c00.112',
  'AABB0C00112',
  'AA_BB_0C_00_11_2F',
  '1:AA:BB:0C:00:11:2F',
])('takes %j as no MAC address', (text) => {
  expect(canonicalMac(text)).toBeNull();
});
