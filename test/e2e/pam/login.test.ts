/** pam_radius as a client that we didn't write. */
import { afterEach, expect, it } from 'vitest';
import { pamLogin } from '../../support/pam-radius.js';
import { startRadiusFront, testNas } from '../../support/radius-front.js';
import { openTap } from '../../support/radius-tap.js';
import { readWithTshark } from '../../support/radius-capture.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const SECRET = 'between-pam-and-us';

it('pam_radius lets in who proves it, and nobody else', async () => {
  const front = await startRadiusFront({
    clients: [
      testNas({ name: 'vpn-2', secrets: [SECRET], vendor: 'generic', messageAuthenticator: 'off' }),
    ],
  });
  cleanups.push(() => front.server.close());
  const tap = await openTap(front.authentication, 1812);
  cleanups.push(tap.close);
  const login = (password: string) =>
    pamLogin({ port: tap.port, secret: SECRET, user: 'anna', password });
  const accepted = await login('sekrit');
  expect(accepted.output).toContain('successfully authenticated');
  expect(accepted.exitCode).toBe(0);
  expect(front.requests[0]).toMatchObject({
    nas: 'vpn-2',
    proof: { method: 'pap' },
    identities: [{ kind: 'user-name', value: 'anna' }],
  });
  expect((await login('other')).exitCode).not.toBe(0);
  const read = await readWithTshark(tap.packets, { secret: SECRET });
  expect(read.flatMap(({ complaints }) => complaints)).toEqual([]);
  expect(read.map(({ text }) => /Code: (\S+)/.exec(text)?.[1])).toEqual([
    'Access-Request',
    'Access-Accept',
    'Access-Request',
    'Access-Reject',
  ]);
});
