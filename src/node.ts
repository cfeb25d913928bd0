/**
 * The map of the system: everything a tolld process is made of, built in the order in which a
 * request flows, and closed in reverse.
 */
import type { AddressInfo } from 'node:net';
import type pg from 'pg';
import type { Engine } from './charging/engine.js';
import { createFenceGate } from './charging/fence-gate.js';
import { announceNode } from './charging/node-registry.js';
import type { KeySpace } from './charging/partitions.js';
import { createSteeringSignal } from './charging/steering-signal.js';
import { createCatalogHolder, type CatalogHolder } from './credit-control/catalog-holder.js';
import { createCreditControlMetrics } from './credit-control/metrics.js';
import {
  createReservationMonitor,
  RESERVATION_MONITOR_DEFAULTS,
} from './credit-control/reservation-monitor.js';
import { createCreditControl } from './credit-control/session.js';
import { createSweeper } from './credit-control/sweeper.js';
import { DIAMETER_LIMITS } from './diameter/limits.js';
import type { DiameterServer } from './diameter/server.js';
import { createDiameterFront, diameterHost } from './diameter-front.js';
import { createDiameterSteering } from './diameter/steering-sender.js';
import type { SteeringSenders } from './domain/steering.js';
import { createEngineFace } from './management/engine-face.js';
import {
  createSynchroniser,
  SYNCHRONISER_DEFAULTS,
  type Synchroniser,
} from './management/synchroniser.js';
import { openRadiusFront, type RadiusFront } from './radius-front.js';
import { createOperationsServer } from './observability/http.js';
import type { Logger } from './observability/logger.js';
import { createMetrics, type Metrics } from './observability/metrics.js';
import { asTenant, createDatabase, EVERY_TENANT } from './records/database.js';
import { findLiveSessions } from './records/open-sessions.js';
import type { Config, Role } from './settings.js';
import { createEngine, openEngine, openRecord, openRecovery, readinessChecks } from './stores.js';
import { createSteeringDispatcher } from './steering/dispatcher.js';
import { startOutbox, type OutboxRunner } from './threads/outbox-runner.js';
import { openTlsFiles, type TlsFiles } from './tls-files.js';

export interface NodeAddresses {
  readonly diameter: readonly { readonly host: string; readonly port: number }[];
  readonly operations: { readonly host: string; readonly port: number };
  /** Null where RADIUS is not served. */
  readonly radius: RadiusFront['addresses'] | null;
}

export interface TolldNode {
  readonly addresses: NodeAddresses;
  /** Finishes what is in flight, then closes everything, the fronts first. */
  close(): Promise<void>;
}

export interface NodeDependencies {
  readonly logger: Logger;
}

/**
 * Starts a process: record, engine, rating, fronts, and what runs beside them.
 * @throws NodeStartError, KeySpaceError, or the error of what could not be reached; what had been
 * started by then is closed again.
 */
export async function startNode(config: Config, { logger }: NodeDependencies): Promise<TolldNode> {
  const has = (role: Role): boolean => config.node.roles.includes(role);
  const closers: (() => Promise<void>)[] = [];
  const closing = (close: () => Promise<void>): void => void closers.push(close);
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) {
      // What does not close must not keep what is behind it open.
      await close().catch((error: unknown) => {
        logger.warn({ err: error }, 'a part did not close');
      });
    }
  };
  try {
    const metrics = createMetrics({ processMetrics: true });
    const database = await openRecord(config, { logger });
    closing(() => database.end());
    const gate = createFenceGate();
    const connection = createEngine(config, { gate, logger });
    closing(() => connection.close());
    const keySpace = await openEngine(config, { connection, database, logger });
    const { engine } = connection;
    const recovery = await openRecovery(config, { engine, gate, keySpace, logger, metrics });
    closing(() => recovery.close());

    const { partitions } = keySpace;
    const outbox = await startOutbox({ config, partitions }, { logger });
    closing(() => outbox.close());

    if (has('management')) {
      const management = openManagement(config, { engine, logger, metrics });
      closing(() => management.close());
    }

    const catalog = createCatalogHolder({ engine, logger });
    await catalog.refresh();
    const handler = createCreditControl(
      { requestsInFlightMax: config.engine.requestsInFlightMax },
      {
        engine,
        catalog,
        logger,
        metrics: createCreditControlMetrics(metrics),
        clock: Date.now,
        refusesSessions: () => refusalOf(outbox),
      },
    );
    const tls = openTlsFiles(config.tls);
    const diameter = has('diameter')
      ? createDiameterFront(config, { engine, database, catalog, handler, tls, logger, metrics })
      : null;
    closing(await keepUp(config, { engine, catalog, diameter, tls, logger }));

    if (has('sweeper')) {
      const sweeping = startSweeping(config, { engine, partitions, logger, metrics });
      closing(() => sweeping.close());
    }

    const operations = createOperationsServer(
      {
        host: config.operations.listenHost,
        port: config.operations.listenPort,
        checkTimeoutMs: config.operations.checkTimeoutMs,
      },
      {
        metrics: joinedMetrics(metrics, outbox),
        logger,
        checks: readinessChecks(connection, database),
      },
    );
    const operationsAddress = await operations.listen();
    closing(() => operations.close());
    const radius =
      has('radius') && config.radius.enabled
        ? await openRadiusFront(config, {
            ...{ engine, catalog, logger, metrics, tls, partitions: keySpace.partitions },
            refusesSessions: () => refusalOf(outbox),
          })
        : null;
    closing(async () => radius?.close());
    if (diameter !== null) {
      await diameter.listen();
      closing(() => diameter.close());
    }
    if (diameter !== null || radius !== null) {
      const steering = await openSteering(
        config,
        {
          ...(diameter !== null && { gy: createDiameterSteering(diameter) }),
          ...(radius !== null && { radius: radius.steering }),
        },
        { keySpace, engine, database, logger, metrics },
      );
      // Before the fronts close: an attempt that is under way hears its answer.
      closing(() => steering.close());
    }
    closing(async () => operations.beginStopping());
    const addresses = {
      diameter: diameter === null ? [] : diameter.addresses.map(addressOf),
      operations: operationsAddress,
      radius: radius?.addresses ?? null,
    };
    logger.info({ ...addresses, partitions, roles: config.node.roles }, 'ready');
    return { addresses, close: closeAll };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function refusalOf({ backlog }: OutboxRunner): string | null {
  return backlog === 'refuse-new-sessions'
    ? 'Redis or its disk is nearly full, or the record too far behind, for new sessions'
    : null;
}

/** What a scraper reads: the metrics of this thread and of the outbox thread. */
function joinedMetrics(
  metrics: Metrics,
  outbox: OutboxRunner,
): Pick<Metrics, 'exposition' | 'contentType'> {
  return {
    contentType: metrics.contentType,
    exposition: async () =>
      (await Promise.all([metrics.exposition(), outbox.exposition()])).join(''),
  };
}

interface Management {
  readonly synchroniser: Synchroniser;
  close(): Promise<void>;
}

/** Brings to Redis what management wrote, whichever process wrote it. */
function openManagement(
  config: Config,
  dependencies: { readonly engine: Engine; readonly logger: Logger; readonly metrics: Metrics },
): Management {
  const { engine, logger, metrics } = dependencies;
  const pool = createDatabase(
    {
      url: config.postgres.url,
      name: `${config.node.name} management`,
      connectionsMax: 2,
      role: 'manager',
    },
    { logger },
  );
  const synchroniser = createSynchroniser(
    {
      ...SYNCHRONISER_DEFAULTS,
      reAuthorisationsPerSecond: config.steering.reAuthorisationsPerSecond,
    },
    {
      transact: (work) => asTenant(pool, EVERY_TENANT, work),
      engine: createEngineFace(engine),
      logger,
      metrics,
      clock: Date.now,
    },
  );
  synchroniser.start();
  const close = async (): Promise<void> => {
    await synchroniser.stop();
    await pool.end();
  };
  return { synchroniser, close };
}

/** Ends what time ends, and counts what is reserved. */
function startSweeping(
  config: Config,
  dependencies: {
    readonly engine: Engine;
    readonly partitions: number;
    readonly logger: Logger;
    readonly metrics: Metrics;
  },
): { close(): Promise<void> } {
  const { engine, partitions, logger, metrics } = dependencies;
  const sweeper = createSweeper(
    { partitions, ...config.sweeper },
    { engine, logger, metrics, clock: Date.now },
  );
  const reservations = createReservationMonitor(
    { partitions, ...RESERVATION_MONITOR_DEFAULTS },
    { engine, logger, metrics },
  );
  sweeper.start();
  reservations.start();
  return {
    close: async () => {
      await reservations.stop();
      await sweeper.stop();
    },
  };
}

/** How often a process looks for a newer catalog and for its siblings. */
const KEEP_UP_MS = 1_000;

/**
 * Keeps this process up with what the others do: takes up newer catalogs, and tells the fronts who
 * their peers and siblings are. Returns how to stop.
 */
async function keepUp(
  config: Config,
  parts: {
    readonly engine: Engine;
    readonly catalog: CatalogHolder;
    /** Null where this process serves no gateways: it is then no sibling either. */
    readonly diameter: DiameterServer | null;
    readonly tls: TlsFiles | null;
    readonly logger: Logger;
  },
): Promise<() => Promise<void>> {
  const { engine, catalog, diameter, tls, logger } = parts;
  let known = '';
  const look = async (): Promise<void> => {
    const renewed = tls?.renewed() ?? null;
    if (renewed !== null) {
      diameter?.renewTls(renewed);
      logger.info({}, 'certificate renewed');
    }
    await catalog.refresh();
    if (diameter === null) return;
    const hosts = await announceNode(engine, diameterHost(config), Date.now());
    const siblings = [...hosts].sort();
    const state = `${catalog.current().version} ${siblings.join(' ')}`;
    if (state === known) return;
    known = state;
    logger.info({ catalog: catalog.current().version, siblings }, 'configuration taken up');
    diameter.update({ peers: catalog.current().diameterPeers, siblings });
  };
  await look();
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look).catch((error: unknown) => {
      logger.warn({ err: error }, 'configuration not read; it is tried again');
    });
  }, KEEP_UP_MS);
  return async () => {
    clearInterval(timer);
    await looking;
  };
}

/** A lease is longer than an attempt: its tries, each as long as an answer may take, and a little. */
const LEASED_ANSWERS = DIAMETER_LIMITS.serverRequestAttemptsMax + 1;
/** How long a stopping process waits for gateways; the rest is another's when the leases end. */
const STEERING_GRACE_MS = 2_000;

/** The way back: requests to gateways about live sessions, by whoever reaches them. */
async function openSteering(
  config: Config,
  senders: SteeringSenders,
  dependencies: {
    readonly keySpace: KeySpace;
    readonly engine: Engine;
    readonly database: pg.Pool;
    readonly logger: Logger;
    readonly metrics: Metrics;
  },
): Promise<{ close(): Promise<void> }> {
  const { keySpace, engine, database, logger, metrics } = dependencies;
  const dispatcher = createSteeringDispatcher(
    {
      node: diameterHost(config),
      partitions: keySpace.partitions,
      ...config.steering,
      leaseMs: Math.max(config.steering.leaseMs, LEASED_ANSWERS * config.diameter.answerTimeoutMs),
    },
    {
      engine,
      senders,
      liveSessions: (accountId) => findLiveSessions(database, accountId),
      logger,
      metrics,
      clock: Date.now,
    },
  );
  const signal = createSteeringSignal(engine, {
    logger,
    onRaised: (partition) => dispatcher.wake(partition),
  });
  await signal.open();
  dispatcher.start();
  const close = async (): Promise<void> => {
    signal.close();
    await dispatcher.stop({ graceMs: STEERING_GRACE_MS });
  };
  return { close };
}

function addressOf({ address, port }: AddressInfo): { host: string; port: number } {
  return { host: address, port };
}
