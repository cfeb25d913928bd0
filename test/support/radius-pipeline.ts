/** The way of a RADIUS request without sockets: packets in, replies, reports and log lines out. */
import type {
  AccessRequest,
  AccountingOutcome,
  AccountingReport,
} from '../../src/domain/access.js';
import { createMetrics } from '../../src/observability/metrics.js';
import { createAccessExchange } from '../../src/radius/access-exchange.js';
import { createAccountingExchange } from '../../src/radius/accounting-exchange.js';
import { createRadiusMetrics } from '../../src/radius/metrics.js';
import { createNasRegistry, type NasClientOptions } from '../../src/radius/nas-clients.js';
import {
  RequestPipeline,
  type Arrival,
  type PipelineOptions,
} from '../../src/radius/request-pipeline.js';
import { RequestVerifier } from '../../src/radius/request-verifier.js';
import { createSealingKeys } from '../../src/radius/sealing-keys.js';
import { RADIUS_SERVER_LIMITS } from '../../src/radius/server.js';
import { collectingLogger } from './collecting-logger.js';
import { admitSekrit, TEST_SEALING_SECRETS } from './radius-front.js';

export interface TestPipelineOptions {
  readonly clients: readonly NasClientOptions[];
  readonly limits?: Partial<PipelineOptions>;
  /** Default: recorded at once. */
  readonly accounting?: (report: AccountingReport) => Promise<AccountingOutcome>;
}

export function createTestPipeline({ clients, limits = {}, accounting }: TestPipelineOptions) {
  const keys = createSealingKeys(TEST_SEALING_SECRETS);
  const { logger, lines } = collectingLogger();
  const metrics = createMetrics({ processMetrics: false });
  const requests: AccessRequest[] = [];
  const reports: AccountingReport[] = [];
  const nas = createNasRegistry(clients);
  const built: RequestPipeline = new RequestPipeline(
    { ...RADIUS_SERVER_LIMITS, ...limits },
    {
      access: createAccessExchange(
        { keys, serverName: 'tolld', eapRoundSeconds: 60 },
        {
          access: (request) => {
            requests.push(request);
            return admitSekrit(request);
          },
          onTermsLeft: () => undefined,
        },
      ),
      accounting: createAccountingExchange(
        { keys },
        {
          accounting: (report) => {
            reports.push(report);
            return accounting?.(report) ?? Promise.resolve({ kind: 'recorded' });
          },
          onIncomplete: (missing, request) => built.dropIncomplete(missing, request),
        },
      ),
      verifier: new RequestVerifier({ onLearned: () => undefined }),
      logger,
      metrics: createRadiusMetrics(metrics),
      clock: () => 1_800_000_000_000,
    },
  );
  const replies: Buffer[] = [];
  let source = 0;
  /** Takes octets as from a source of their own at 127.0.0.1, unless told otherwise. */
  const take = (octets: Buffer, arrival: Partial<Arrival> = {}): void => {
    source += 1;
    const address = arrival.address ?? '127.0.0.1';
    built.take({
      octets,
      service: 'both',
      candidates: nas.atAddress(address),
      address,
      source: `source ${source}`,
      version: '1.0',
      tlsSecret: null,
      send: (reply) => replies.push(reply),
      onProven: null,
      onForged: null,
      ...arrival,
    });
  };
  return { built, take, replies, requests, reports, lines, metrics };
}
