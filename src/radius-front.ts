/** The RADIUS front and the engine, joined: who the NAS are, what decides, how sessions are steered. */
import type { Engine } from './charging/engine.js';
import { learnAuthenticator, learnedAuthenticators } from './charging/network-sessions.js';
import { createAccessControl, type AccessControl } from './credit-control/access/access-control.js';
import { createAccessMetrics } from './credit-control/access/access-metrics.js';
import { createAccessSteering } from './credit-control/access/steering-sender.js';
import type { CatalogHolder } from './credit-control/catalog-holder.js';
import type { NasDeclaration } from './domain/nas.js';
import type { SteeringSender } from './domain/steering.js';
import type { Logger } from './observability/logger.js';
import type { Metrics } from './observability/metrics.js';
import { declaredClients } from './radius/declared-clients.js';
import {
  createDynamicAuthorizationClient,
  type DynamicAuthorizationClient,
} from './radius/dynamic-authorization/client.js';
import type { NasClientOptions } from './radius/nas-clients.js';
import {
  createRadiusServer,
  type RadiusServerAddresses,
  type TlsAddressOptions,
} from './radius/server.js';
import { createSecretBox, SECRET_USES, type SecretBox } from './secret-box.js';
import type { Config } from './settings.js';
import type { TlsFiles } from './tls-files.js';

export interface RadiusFront {
  readonly addresses: RadiusServerAddresses;
  readonly control: AccessControl;
  readonly client: DynamicAuthorizationClient;
  /** Changes and ends sessions for the dispatcher. */
  readonly steering: SteeringSender;
  /** Answers what is under way, then closes. */
  close(): Promise<void>;
}

export interface RadiusFrontDependencies {
  readonly engine: Engine;
  readonly partitions: number;
  readonly catalog: CatalogHolder;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly refusesSessions: () => string | null;
  /** Null where nothing is served over TLS. */
  readonly tls: TlsFiles | null;
}

/** The name that EAP shows to peers. */
const SERVER_NAME = 'tolld';

/** Opens the front and listens. @throws the operating system's error, or NasClientsError. */
export async function openRadiusFront(
  config: Config,
  dependencies: RadiusFrontDependencies,
): Promise<RadiusFront> {
  const { engine, partitions, catalog, logger, metrics } = dependencies;
  const { radius, secrets: settings } = config;
  const secrets = createSecretBox(settings.keys);
  const control = createAccessControl(
    {
      partitions,
      missedReportsMax: radius.missedReportsMax,
      lockOut: { failuresMax: radius.lockOutFailures, seconds: radius.lockOutSeconds },
    },
    {
      ...{ engine, catalog, secrets, logger, clock: Date.now },
      metrics: createAccessMetrics(metrics),
      refusesSessions: dependencies.refusesSessions,
    },
  );
  const clients = nasClients(catalog.current().nas, { secrets, logger });
  const client = createDynamicAuthorizationClient({ clients }, { logger, metrics });
  const server = createRadiusServer(
    {
      udp: [
        {
          address: radius.listenHost,
          authenticationPort: radius.authenticationPort,
          accountingPort: radius.accountingPort,
        },
      ],
      tls: tlsAddresses(config, dependencies.tls),
      clients,
      sealingSecrets: settings.keys,
      serverName: SERVER_NAME,
      messageAuthenticatorSources: await learnedAuthenticators(engine),
      limits: { sourceQueuesMax: radius.sourceQueuesMax },
    },
    {
      access: control.access,
      accounting: control.accounting,
      logger,
      metrics,
      orders: client.connections,
      onMessageAuthenticatorLearned: (source) => {
        learnAuthenticator(engine, source).catch((error: unknown) => {
          logger.warn({ err: error }, 'not kept that a NAS sends Message-Authenticator');
        });
      },
    },
  );
  catalog.onChange((version) => {
    try {
      const changed = nasClients(version.nas, { secrets, logger });
      server.replaceClients(changed);
      client.replaceClients(changed);
    } catch (error) {
      logger.error({ err: error }, 'NAS of the new configuration refused; the old ones stay');
    }
  });
  const addresses = await server.listen();
  return {
    addresses,
    control,
    client,
    steering: createAccessSteering({
      ...{ engine, catalog, clock: Date.now },
      steer: (session, order) => client.steer(session, order),
      reaches: (nas) => client.reaches(nas),
      end: (partition, sessionId) => control.end(partition, sessionId, 'unknown-to-nas'),
    }),
    close: async () => {
      await server.close();
      await client.close();
    },
  };
}

/** Renewed files are taken up at the next start: a NAS keeps its connection for long. */
function tlsAddresses({ radius }: Config, tls: TlsFiles | null): readonly TlsAddressOptions[] {
  if (tls === null) return [];
  const { key, certificate, authorities } = tls.current;
  return [
    {
      address: radius.listenHost,
      port: radius.tlsListenPort,
      versions: radius.tlsVersions,
      key,
      certificate,
      authorities,
    },
  ];
}

/** The declared NAS with their secrets opened; one whose secrets can't be opened is left out. */
function nasClients(
  declared: readonly NasDeclaration[],
  { secrets, logger }: { readonly secrets: SecretBox; readonly logger: Logger },
): readonly NasClientOptions[] {
  const { clients, faults } = declaredClients(declared, (nas, sealed) =>
    secrets.open(SECRET_USES.nas(nas), sealed),
  );
  for (const { nas, error } of faults) {
    logger.error({ err: error, nas }, 'NAS left out: its secret does not open');
  }
  return clients;
}
