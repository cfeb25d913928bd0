/** OpenVPN with its RADIUS plugin as a NAS that we didn't write. */
import { afterEach, describe, expect, it } from 'vitest';
import type { AccountingReport, SessionReport } from '../../../src/domain/access.js';
import { findShortUdpPort } from '../../support/free-udp-port.js';
import { openvpnObstacle, startVpnServer } from '../../support/openvpn.js';
import { startRadiusFront, testNas } from '../../support/radius-front.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const obstacle = openvpnObstacle();
if (obstacle !== null) process.stderr.write(`skipped: OpenVPN as a NAS, since ${obstacle}\n`);

/** Its plugin leaves blanks out. */
const SECRET = 'between-openvpn-and-us';
const SESSION = { partition: 1, accountId: 'acc-1', nonce: '8899aabbccddeeff' };

async function start() {
  let told: () => void = () => {};
  const front = await startRadiusFront(
    {
      // The plugin takes four digits of a port and leaves the rest.
      udp: [
        {
          address: '127.0.0.1',
          authenticationPort: await findShortUdpPort(),
          accountingPort: await findShortUdpPort(),
        },
      ],
      clients: [
        testNas({
          name: 'vpn-1',
          nasIdentifier: 'OpenVpn',
          secrets: [SECRET],
          vendor: 'generic',
          // Its plugin is older than the attribute.
          messageAuthenticator: 'off',
          connection: 'vpn',
        }),
      ],
    },
    {
      access: async ({ proof }) => {
        const result = await proof.verify({ kind: 'clear', password: 'sekrit' });
        if (result !== 'proven') {
          return { kind: 'rejected', reason: 'wrong-password', message: 'no' };
        }
        const ipv4 = { kind: 'fixed', address: '10.250.0.77' } as const;
        return { kind: 'accepted', session: SESSION, terms: { ipv4 }, message: null };
      },
      accounting: async () => {
        told();
        return { kind: 'recorded' };
      },
    },
  );
  cleanups.push(() => front.server.close());
  const vpn = await startVpnServer({
    radius: {
      authenticationPort: front.authentication.port,
      accountingPort: front.accounting.port,
    },
    secret: SECRET,
    nasIdentifier: 'OpenVpn',
  });
  cleanups.push(() => vpn.stop());
  /** Resolves once a report of this status has come. */
  const reported = async (status: SessionReport['status']): Promise<SessionReport> => {
    for (;;) {
      const next = new Promise<void>((resolve) => (told = resolve));
      const found = front.reports.find((one: AccountingReport) => isOf(one, status));
      if (found?.kind === 'session') return found;
      await next;
    }
  };
  return { front, vpn, reported };
}

function isOf(report: AccountingReport, status: SessionReport['status']): boolean {
  return report.kind === 'session' && report.status === status;
}

describe.skipIf(obstacle !== null)('OpenVPN with its RADIUS plugin', () => {
  it('logs a user in, reports start and stop with what went by, and gives our address', async () => {
    const { front, vpn, reported } = await start();
    const client = await vpn.connect({ name: 'anna', password: 'sekrit' });
    const begun = await reported('start');
    expect(front.requests[0]).toMatchObject({
      nas: 'vpn-1',
      connection: 'vpn',
      proof: { method: 'pap' },
      identities: [{ kind: 'user-name', value: 'anna' }],
    });
    expect(begun).toMatchObject({ nas: 'vpn-1', address: '10.250.0.77' });
    await client.stop();
    const ended = await reported('stop');
    expect(ended.sessionKey).toBe(begun.sessionKey);
    expect(ended.counters?.uploadOctets).toBeGreaterThan(0);
    expect(ended.counters?.downloadOctets).toBeGreaterThan(0);
  });

  it('keeps out who has the wrong password', async () => {
    const { front, vpn } = await start();
    await expect(vpn.connect({ name: 'anna', password: 'other' })).rejects.toThrow(
      'openvpn client',
    );
    expect(front.requests[0]?.proof.method).toBe('pap');
    expect(front.reports).toEqual([]);
  });
});
