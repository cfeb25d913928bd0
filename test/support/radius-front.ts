/** A RADIUS server on loopback for tests, with handlers that record and answer as told. */
import type {
  AccessDecision,
  AccessRequest,
  AccountingOutcome,
  AccountingReport,
} from '../../src/domain/access.js';
import { createMetrics } from '../../src/observability/metrics.js';
import type { OrderConnections } from '../../src/radius/dynamic-authorization/order-connections.js';
import type { NasClientOptions } from '../../src/radius/nas-clients.js';
import { createRadiusServer, type RadiusServerOptions } from '../../src/radius/server.js';
import { collectingLogger } from './collecting-logger.js';

export const TEST_SECRET = 'testing123';
export const TEST_SEALING_SECRETS = ['0123456789abcdef'];

export function testNas(changes: Partial<NasClientOptions> = {}): NasClientOptions {
  return {
    name: 'bng-1',
    networkScope: 'isp',
    addresses: ['127.0.0.1', '::1'],
    secrets: [TEST_SECRET],
    vendor: 'mikrotik',
    ...changes,
  };
}

export interface TestFrontHandlers {
  readonly access?: (request: AccessRequest) => Promise<AccessDecision>;
  readonly accounting?: (report: AccountingReport) => Promise<AccountingOutcome>;
  readonly clock?: () => number;
  readonly onMessageAuthenticatorLearned?: (source: string) => void;
  readonly orders?: OrderConnections;
}

const SESSION = { partition: 1, accountId: 'acc-1', nonce: '0011223344556677' };

/** Checks the password "sekrit" and lets everybody with it in. */
export async function admitSekrit({ proof, step }: AccessRequest): Promise<AccessDecision> {
  const result = await proof.verify({ kind: 'clear', password: 'sekrit' });
  if (result !== 'proven') return { kind: 'rejected', reason: 'wrong-password', message: 'no' };
  return step === 'prove'
    ? { kind: 'proven' }
    : { kind: 'accepted', session: SESSION, terms: {}, message: null };
}

/** Starts a server on free ports of 127.0.0.1 unless told otherwise. */
export async function startRadiusFront(
  options: Partial<RadiusServerOptions> = {},
  handlers: TestFrontHandlers = {},
) {
  const { logger, lines } = collectingLogger();
  const metrics = createMetrics({ processMetrics: false });
  const requests: AccessRequest[] = [];
  const reports: AccountingReport[] = [];
  const server = createRadiusServer(
    {
      udp: [{ address: '127.0.0.1', authenticationPort: 0, accountingPort: 0 }],
      tls: [],
      clients: [testNas()],
      sealingSecrets: TEST_SEALING_SECRETS,
      serverName: 'tolld',
      ...options,
    },
    {
      access: (request) => {
        requests.push(request);
        return (handlers.access ?? admitSekrit)(request);
      },
      accounting: (report) => {
        reports.push(report);
        return handlers.accounting?.(report) ?? Promise.resolve({ kind: 'recorded' });
      },
      logger,
      metrics,
      ...(handlers.orders === undefined ? {} : { orders: handlers.orders }),
      ...(handlers.clock === undefined ? {} : { clock: handlers.clock }),
      ...(handlers.onMessageAuthenticatorLearned === undefined
        ? {}
        : { onMessageAuthenticatorLearned: handlers.onMessageAuthenticatorLearned }),
    },
  );
  const addresses = await server.listen();
  const counter = async (name: string, label = ''): Promise<number> => {
    const line = (await metrics.exposition())
      .split('\n')
      .find(
        (one) =>
          /^[{ ]/.test(one.slice(name.length)) && one.startsWith(name) && one.includes(label),
      );
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  return {
    server,
    requests,
    reports,
    lines,
    tls: addresses.tls,
    authentication: addresses.authentication[0] ?? { address: '', port: 0 },
    accounting: addresses.accounting[0] ?? { address: '', port: 0 },
    tlsConnections: () => counter('tolld_radius_tls_connections'),
    dropped: (reason: string) => counter('tolld_radius_dropped_total', `reason="${reason}"`),
    repeated: (code: string) => counter('tolld_radius_repeated_replies_total', `code="${code}"`),
  };
}
