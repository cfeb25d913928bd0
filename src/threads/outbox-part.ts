/** The way from the streams to Postgres, and a look at how far it lags. */
import { randomUUID } from 'node:crypto';
import { readDiskRoom } from '../charging/disk-room.js';
import { createEngineConnection, type EngineConnection } from '../charging/engine-connection.js';
import { decodeEntry } from '../charging/event-codec.js';
import { createOutboxStreams } from '../charging/stream.js';
import type { Logger } from '../observability/logger.js';
import type { Metrics } from '../observability/metrics.js';
import { createBacklogMonitor } from '../outbox/backlog-monitor.js';
import {
  BACKLOG_LIMIT_DEFAULTS,
  type BacklogMeasure,
  type BacklogState,
} from '../outbox/backlog.js';
import { createFlusher } from '../outbox/flusher.js';
import { Lateness } from '../outbox/lateness.js';
import { createListening, PROBE_INTERVAL_MS, type Listening } from '../outbox/listening.js';
import { createOutboxMetrics } from '../outbox/metrics.js';
import { Pace } from '../outbox/pace.js';
import { untilRecorded } from '../outbox/recorded.js';
import { createDatabase } from '../records/database.js';
import { createFlushLeases } from '../records/flush-leases.js';
import { createFlushSink } from '../records/flush-sink.js';
import type { Config } from '../settings.js';

export interface OutboxPartOptions {
  readonly config: Config;
  /** Of the whole key space. */
  readonly partitions: number;
}

export interface OutboxPart {
  /** Writes what the last requests left, as far as there is time, and closes everything. */
  close(): Promise<void>;
}

/** A batch is read in one go, so its connection waits longer than one that serves requests. */
const STREAM_TIMEOUT_MS = 10_000;
/** How long a stopping process writes what its last requests left; the rest is another's. */
const DRAIN_MS = 2_000;
const BACKLOG_INTERVAL_MS = 1_000;

/**
 * Watches the backlog, and flushes it where the process has the role. `onState` hears each change of
 * the backlog's state. @throws the client's error when Redis can't be reached.
 */
export async function openOutbox(
  { config, partitions }: OutboxPartOptions,
  dependencies: {
    readonly logger: Logger;
    readonly metrics: Metrics;
    readonly onState: (state: BacklogState) => void;
  },
): Promise<OutboxPart> {
  const { logger, onState } = dependencies;
  const connection = createEngineConnection(
    {
      ...config.redis,
      name: `${config.node.name} outbox`,
      commandTimeoutMs: STREAM_TIMEOUT_MS,
      requestTimeoutMs: config.engine.requestTimeoutMs,
      durability: config.engine.durability,
    },
    { logger },
  );
  await connection.open();
  const streams = createOutboxStreams(connection.engine);
  const metrics = createOutboxMetrics(dependencies.metrics);
  const courtesy = createCourtesy(config, connection);
  const isFlusher = config.node.roles.includes('flusher');
  const onMeasure = (measure: BacklogMeasure): void => {
    courtesy.pace.measured(measure, performance.now());
    metrics.pace(courtesy.pace.share);
  };
  const monitor = createBacklogMonitor(
    { partitions, intervalMs: BACKLOG_INTERVAL_MS, limits: BACKLOG_LIMIT_DEFAULTS },
    {
      streams,
      decode: decodeEntry,
      diskRoom: () => readDiskRoom(connection.engine.redis, config.redis),
      ...{ logger, metrics, onState, ...(isFlusher && { onMeasure }) },
    },
  );
  // Before the first round, so that it isn't at full speed where a backlog stands.
  await monitor.measure().catch(() => undefined);
  monitor.start();
  const closeReading = async (): Promise<void> => {
    await monitor.stop();
    await connection.close();
  };
  if (!isFlusher) return { close: closeReading };

  const pool = createDatabase(
    {
      url: config.postgres.url,
      name: `${config.node.name} flusher`,
      connectionsMax: 4,
      role: 'flusher',
    },
    { logger },
  );
  const { leaseMs } = config.flusher;
  const holder = `${config.node.name} ${randomUUID()}`;
  const flusher = createFlusher(config.flusher, {
    streams,
    sink: createFlushSink({ pool }),
    leases: createFlushLeases({ holder, partitions, leaseMs }, { pool }),
    decode: decodeEntry,
    logger,
    metrics,
    courtesy,
  });
  flusher.start();
  const close = async (): Promise<void> => {
    // Another process goes on where this one leaves off, so not getting there loses nothing.
    const drained = untilRecorded({ partitions, timeoutMs: DRAIN_MS }, { streams });
    await drained.catch(() => undefined);
    await flusher.stop();
    await pool.end();
    await closeReading();
  };
  return { close };
}

/** What lets charging go first while a backlog is written. */
function createCourtesy(
  { flusher: { catchUpSeconds, batchEntriesMax } }: Config,
  { engine }: EngineConnection,
): { readonly pace: Pace; readonly listening: Listening } {
  const lateness = new Lateness({ intervalMs: PROBE_INTERVAL_MS });
  const limits = BACKLOG_LIMIT_DEFAULTS;
  return {
    pace: new Pace({ catchUpSeconds, batchEntriesMax, limits }, { lateness }),
    listening: createListening({ probe: () => engine.redis.ping(), lateness }),
  };
}
