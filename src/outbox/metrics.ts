import { LATENCY_BUCKETS_SECONDS, type Metrics } from '../observability/metrics.js';
import { BACKLOG_STATES, type BacklogMeasure, type BacklogState } from './backlog.js';
import { FAULT_KINDS, type PartitionFault } from './fault.js';

export interface OutboxMetrics {
  flushed(round: {
    readonly entries: number;
    readonly events: number;
    readonly quarantined: number;
    readonly unbalanced: number;
    readonly durationSeconds: number;
  }): void;
  failed(): void;
  superseded(): void;
  /** Entries that Redis lost between being read and being recorded. */
  lost(entries: number): void;
  /** Partitions held, and those of them that stand still. */
  held(partitions: number, faults: readonly PartitionFault[]): void;
  backlog(measure: BacklogMeasure, state: BacklogState): void;
  /** The part of its time that charging leaves to the flusher. */
  pace(share: number): void;
}

export function createOutboxMetrics(metrics: Metrics): OutboxMetrics {
  const entries = metrics.counter({
    name: 'tolld_outbox_flushed_entries_total',
    help: 'Outbox entries written to Postgres.',
  });
  const events = metrics.counter({
    name: 'tolld_outbox_flushed_events_total',
    help: 'Events in the entries written to Postgres.',
  });
  const quarantined = metrics.counter({
    name: 'tolld_outbox_quarantined_entries_total',
    help: 'Entries that Postgres refused and that wait in quarantined_events.',
  });
  const unbalanced = metrics.counter({
    name: 'tolld_outbox_unbalanced_buckets_total',
    help: 'Buckets found, while flushing, not to hold what their credits and debits say.',
  });
  const duration = metrics.histogram({
    name: 'tolld_outbox_flush_duration_seconds',
    help: 'Time of one flush transaction.',
    buckets: LATENCY_BUCKETS_SECONDS,
  });
  const failures = metrics.counter({
    name: 'tolld_outbox_flush_failures_total',
    help: 'Flushes that failed and are tried again.',
  });
  const superseded = metrics.counter({
    name: 'tolld_outbox_superseded_flushes_total',
    help: 'Flushes given up because another flusher had moved the offset.',
  });
  const lostEntries = metrics.counter({
    name: 'tolld_outbox_lost_entries_total',
    help: 'Entries that a flusher had read and that Redis lost before they were recorded.',
  });
  const heldPartitions = metrics.gauge({
    name: 'tolld_outbox_held_partitions',
    help: 'Partitions that this process flushes.',
  });
  const stopped = metrics.gauge({
    name: 'tolld_outbox_stopped_partitions',
    help: 'Partitions of this process that stand still, by cause.',
    labels: ['cause'],
  });
  const backlogEntries = metrics.gauge({
    name: 'tolld_outbox_backlog_entries',
    help: 'Entries in Redis that Postgres does not have.',
  });
  const age = metrics.gauge({
    name: 'tolld_outbox_oldest_entry_age_seconds',
    help: 'Age of the oldest entry that Postgres does not have.',
  });
  const memory = metrics.gauge({
    name: 'tolld_redis_memory_used_ratio',
    help: "Redis' memory in use over its maxmemory.",
  });
  const diskRoom = metrics.gauge({
    name: 'tolld_redis_disk_room_ratio',
    help: "Free space for Redis' append-only files over its maxmemory, where it is known.",
  });
  const backlogState = metrics.gauge({
    name: 'tolld_outbox_backlog_state',
    help: '1 for the state that holds.',
    labels: ['state'],
  });
  const pace = metrics.gauge({
    name: 'tolld_outbox_pace_ratio',
    help: 'Part of its time that charging leaves to the flusher while it catches up; 1: full speed.',
  });
  for (const cause of FAULT_KINDS) stopped.set({ cause }, 0);
  // Not even 0 is known of them: alerts would take it for a full disk.
  diskRoom.remove();
  pace.remove();

  return {
    flushed: (round) => {
      entries.inc(round.entries);
      events.inc(round.events);
      quarantined.inc(round.quarantined);
      unbalanced.inc(round.unbalanced);
      duration.observe(round.durationSeconds);
    },
    failed: () => failures.inc(),
    superseded: () => superseded.inc(),
    lost: (count) => lostEntries.inc(count),
    held: (partitions, faults) => {
      heldPartitions.set(partitions);
      for (const cause of FAULT_KINDS) {
        stopped.set({ cause }, faults.filter(({ kind }) => kind === cause).length);
      }
    },
    pace: (share) => pace.set(share),
    backlog: (measure, state) => {
      backlogEntries.set(measure.entries);
      age.set(measure.oldestAgeSeconds);
      memory.set(measure.memoryRatio);
      if (measure.diskRoom === null) diskRoom.remove();
      else diskRoom.set(measure.diskRoom);
      for (const each of BACKLOG_STATES) backlogState.set({ state: each }, each === state ? 1 : 0);
    },
  };
}
