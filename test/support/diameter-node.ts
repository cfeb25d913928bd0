/** A Diameter server on a free loopback port, with peers as the vectors name them. */
import type {
  CreditControlHandler,
  CreditControlRequest,
} from '../../src/domain/credit-control.js';
import type { Amount } from '../../src/domain/amounts.js';
import type { DiameterLimits } from '../../src/diameter/limits.js';
import type { DiameterPeer } from '../../src/domain/diameter-peer.js';
import type { OriginStart } from '../../src/diameter/origin-states.js';
import {
  createDiameterServer,
  type DiameterServer,
  type DiameterServerOptions,
} from '../../src/diameter/server.js';
import { createLogger } from '../../src/observability/logger.js';
import { createMetrics, type Metrics } from '../../src/observability/metrics.js';

export const GATEWAY: DiameterPeer = {
  name: 'gateway-1',
  originHost: 'pgw1.visited.example',
  realm: 'visited.example',
  networkScope: 'visited',
};

export const RELAY: DiameterPeer = {
  name: 'relay',
  originHost: 'relay.visited.example',
  realm: 'visited.example',
  networkScope: 'visited',
};

export interface DiameterNode {
  readonly server: DiameterServer;
  readonly port: number;
  readonly metrics: Metrics;
  /** What hosts said of their starts. */
  readonly starts: OriginStart[];
  /** What the handler was asked, in order. */
  readonly requests: CreditControlRequest[];
}

/** Grants what is asked for, 1000 where nothing is said, for an hour. */
export const grantAll: CreditControlHandler = async (request) => ({
  kind: 'answered',
  repeated: false,
  lowBalance: false,
  services: request.services.map((service) => ({
    ratingGroup: service.ratingGroup,
    serviceIdentifiers: service.serviceIdentifiers,
    result: service.requested === undefined ? 'settled' : 'granted',
    ...(service.requested === undefined
      ? {}
      : {
          granted: {
            unit: 'octets' as const,
            amount: service.requested.octets ?? (1000 as Amount),
          },
          validitySeconds: 3600,
        }),
  })),
});

export async function startDiameterNode(
  options: Partial<Omit<DiameterServerOptions, 'limits'>> & {
    readonly limits?: Partial<DiameterLimits>;
    readonly handler?: CreditControlHandler;
  } = {},
): Promise<DiameterNode> {
  const { handler = grantAll, limits, ...rest } = options;
  const requests: CreditControlRequest[] = [];
  const starts: OriginStart[] = [];
  const metrics = createMetrics({ processMetrics: false });
  const server = createDiameterServer(
    {
      identity: { host: 'tolld-1.ocs.example', realm: 'ocs.example', originStateId: 1_791_200_000 },
      siblings: ['tolld-2.ocs.example'],
      listen: [{ host: '127.0.0.1', port: 0 }],
      peers: [GATEWAY, RELAY],
      // Peers of tests seldom answer DPR.
      limits: { disconnectMs: 20, ...limits },
      ...rest,
    },
    {
      handler: (request) => {
        requests.push(request);
        return handler(request);
      },
      started: (start) => starts.push(start),
      logger: createLogger({ level: 'silent' }),
      metrics,
    },
  );
  await server.listen();
  return { server, port: server.addresses[0]?.port ?? 0, metrics, starts, requests };
}
