import { createSocket } from 'node:dgram';
import { expect, test } from 'vitest';
import { chooseUdpPort } from '../../../src/local/port-choice.js';
import { createProgress } from '../../../src/local/progress.js';

test('a UDP port that is taken is replaced by a free one, and that is told', async () => {
  const told: string[] = [];
  const dependencies = { progress: createProgress({ write: (line) => told.push(line) }) };
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port: taken } = socket.address();
  const other = await chooseUdpPort(taken, { name: 'RADIUS' }, dependencies);
  expect(other).not.toBe(taken);
  expect(told).toEqual([`  port ${taken} is taken: RADIUS gets ${other} this time`]);
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  expect(await chooseUdpPort(other, { name: 'RADIUS' }, dependencies)).toBe(other);
  expect(told).toHaveLength(1);
});
