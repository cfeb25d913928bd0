/** The Diameter front and the engine, joined: who we are, who the peers are, what a restart of one means. */
import type pg from 'pg';
import type { Engine } from './charging/engine.js';
import type { CatalogHolder } from './credit-control/catalog-holder.js';
import { createRestarts, RESTARTS_DEFAULTS, type GatewayStart } from './credit-control/restarts.js';
import { createDiameterServer, type DiameterServer } from './diameter/server.js';
import type { CreditControlHandler } from './domain/credit-control.js';
import type { Logger } from './observability/logger.js';
import type { Metrics } from './observability/metrics.js';
import { openSessionsOfPeer } from './records/open-sessions.js';
import type { Config } from './settings.js';
import type { TlsFiles } from './tls-files.js';

export interface DiameterFrontDependencies {
  readonly engine: Engine;
  readonly database: pg.Pool;
  readonly catalog: CatalogHolder;
  readonly handler: CreditControlHandler;
  /** Null where nothing is served over TLS. */
  readonly tls: TlsFiles | null;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The front, not listening yet. A gateway that started anew has its lost sessions ended. */
export function createDiameterFront(
  config: Config,
  dependencies: DiameterFrontDependencies,
): DiameterServer {
  const { diameter } = config;
  const { engine, database, catalog, handler, tls, logger, metrics } = dependencies;
  const { listenHost: host, listenPort, tlsListenPort } = diameter;
  const restarts = createRestarts(RESTARTS_DEFAULTS, {
    engine,
    openSessions: (peer) => openSessionsOfPeer(database, peer),
    logger,
  });
  const started = (start: GatewayStart): void => {
    restarts.noticed(start).catch((error: unknown) => {
      logger.error({ err: error, ...start }, 'sessions of a restarted gateway wait for their end');
    });
  };
  return createDiameterServer(
    {
      identity: {
        host: diameterHost(config),
        realm: diameter.originRealm,
        originStateId: Math.floor(Date.now() / 1000),
      },
      realms: diameter.realms.split(',').flatMap((realm) => realm.trim() || []),
      listen: [
        { host, port: listenPort },
        ...(tls === null ? [] : [{ host, port: tlsListenPort, security: 'tls' as const }]),
      ],
      ...(tls === null ? {} : { tls: tls.current }),
      peers: catalog.current().diameterPeers,
      limits: {
        messageSizeMax: diameter.messageBytesMax,
        inFlightPerConnectionMax: diameter.requestsInFlightMax,
        watchdogMs: diameter.watchdogSeconds * 1000,
        requestMs: diameter.answerTimeoutMs,
      },
    },
    { handler, started, logger, metrics },
  );
}

/** Our Origin-Host. [RFC 6733 6.3] */
export function diameterHost({ diameter, node }: Config): string {
  return diameter.originHost === '' ? `${node.name}.${diameter.originRealm}` : diameter.originHost;
}
