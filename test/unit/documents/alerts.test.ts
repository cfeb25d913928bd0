import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse, stringify } from 'yaml';

const RULES = 'deploy/prometheus/tolld.rules.yaml';
/** Debian's package `prometheus` has it. */
const PROMTOOL = 'promtool';
const isInstalled = spawnSync(PROMTOOL, ['--version']).error === undefined;

/** When the alerts are looked at, in minutes; there is a value for each of them. */
const MINUTES = 30;
/** What is named here stays as it is all the time. */
const steadily = (value: number): string => `${value}x${MINUTES}`;
/** One is counted ten minutes before the end. */
const ONCE_LATE = `0x${MINUTES - 10} 1x9`;
const RISING = `0+60x${MINUTES}`;
/** Not before the process is scraped for the first time, shortly before the end. */
const young = (value: number): string => `_x${MINUTES - 4} ${value}x3`;
/** Prometheus begins its tests in 1970. */
const YOUNG = { process_start_time_seconds: young((MINUTES - 4) * 60) };

type Series = Readonly<Record<string, string>>;

/** A process that has been well since before 1970, with everything that alerts look at. */
const WELL: Series = {
  process_start_time_seconds: steadily(-100_000),
  tolld_credit_control_failures_total: steadily(3),
  'tolld_credit_control_decision_seconds_bucket{le="0.05"}': RISING,
  'tolld_credit_control_decision_seconds_bucket{le="0.1"}': RISING,
  'tolld_credit_control_decision_seconds_bucket{le="+Inf"}': RISING,
  tolld_redis_memory_used_ratio: steadily(0.5),
  tolld_redis_disk_room_ratio: steadily(3),
  tolld_credit_control_settled_without_memory_total: steadily(3),
  tolld_recovery_closed_partitions: steadily(0),
  'tolld_recovery_openings_total{verdict="behind"}': steadily(3),
  tolld_recovery_set_aside_accounts_total: steadily(3),
  tolld_recovery_lost_entries_total: steadily(3),
  tolld_outbox_lost_entries_total: steadily(3),
  tolld_outbox_oldest_entry_age_seconds: steadily(0.5),
  'tolld_outbox_backlog_state{state="refuse-new-sessions"}': steadily(0),
  tolld_outbox_held_partitions: steadily(64),
  'tolld_outbox_stopped_partitions{cause="gap"}': steadily(0),
  'tolld_outbox_stopped_partitions{cause="moving"}': steadily(1),
  tolld_outbox_quarantined_entries_total: steadily(3),
  tolld_outbox_unbalanced_buckets_total: steadily(3),
  'tolld_diameter_connections{peer="gateway"}': steadily(2),
  tolld_access_failures_total: steadily(3),
  tolld_radius_unprotected_requests_total: steadily(3),
  'tolld_steering_attempts_total{outcome="done"}': RISING,
  'tolld_steering_attempts_total{outcome="unanswered"}': steadily(3),
  tolld_management_accounts_failed_total: steadily(3),
};

/** Alerts that fire, and what makes them. A series without a value is not there. */
const CASES: readonly (readonly [alert: string, Readonly<Record<string, string | null>>])[] = [
  ['TolldRequestsFail', { tolld_credit_control_failures_total: RISING }],
  [
    'TolldDecisionsAreSlow',
    { 'tolld_credit_control_decision_seconds_bucket{le="0.05"}': steadily(0) },
  ],
  ['TolldRedisFills', { tolld_redis_memory_used_ratio: steadily(0.85) }],
  ['TolldRedisDiskFills', { tolld_redis_disk_room_ratio: steadily(0.5) }],
  ['TolldSettlesWithoutMemory', { tolld_credit_control_settled_without_memory_total: RISING }],
  ['TolldPartitionsClosed', { tolld_recovery_closed_partitions: steadily(1) }],
  ['TolldRedisCameBackBehind', { 'tolld_recovery_openings_total{verdict="behind"}': ONCE_LATE }],
  [
    'TolldRedisCameBackBehind',
    { ...YOUNG, 'tolld_recovery_openings_total{verdict="behind"}': young(64) },
  ],
  ['TolldAccountsSetAside', { tolld_recovery_set_aside_accounts_total: ONCE_LATE }],
  ['TolldAccountsSetAside', { ...YOUNG, tolld_recovery_set_aside_accounts_total: young(1) }],
  ['TolldEventsLost', { tolld_recovery_lost_entries_total: ONCE_LATE }],
  ['TolldEventsLost', { ...YOUNG, tolld_recovery_lost_entries_total: young(1) }],
  ['TolldEventsLost', { tolld_outbox_lost_entries_total: ONCE_LATE }],
  ['TolldEventsLost', { ...YOUNG, tolld_outbox_lost_entries_total: young(1) }],
  ['TolldRecordLags', { tolld_outbox_oldest_entry_age_seconds: steadily(70) }],
  [
    'TolldNewSessionsRefused',
    { 'tolld_outbox_backlog_state{state="refuse-new-sessions"}': steadily(1) },
  ],
  ['TolldPartitionsUnflushed', { tolld_outbox_held_partitions: steadily(0) }],
  ['TolldPartitionsUnflushed', { tolld_outbox_held_partitions: null }],
  ['TolldPartitionStandsStill', { 'tolld_outbox_stopped_partitions{cause="gap"}': steadily(1) }],
  ['TolldEntriesQuarantined', { tolld_outbox_quarantined_entries_total: ONCE_LATE }],
  ['TolldEntriesQuarantined', { ...YOUNG, tolld_outbox_quarantined_entries_total: young(1) }],
  ['TolldBucketsUnbalanced', { tolld_outbox_unbalanced_buckets_total: ONCE_LATE }],
  ['TolldBucketsUnbalanced', { ...YOUNG, tolld_outbox_unbalanced_buckets_total: young(1) }],
  ['TolldPeerGone', { 'tolld_diameter_connections{peer="gateway"}': steadily(0) }],
  ['TolldLoginsFail', { tolld_access_failures_total: RISING }],
  ['TolldRadiusUnprotected', { tolld_radius_unprotected_requests_total: RISING }],
  ['TolldSteeringUnheard', { 'tolld_steering_attempts_total{outcome="unanswered"}': `0+90x30` }],
  ['TolldAccountsUnpublished', { tolld_management_accounts_failed_total: RISING }],
  // Neither says anything where Redis runs on another machine and its disk is not known.
  ['', { tolld_redis_disk_room_ratio: null }],
  ['', {}],
];

/** Every process says of itself who it is. */
function placed(name: string): string {
  const own = 'job="tolld",instance="a"';
  return name.endsWith('}') ? `${name.slice(0, -1)},${own}}` : `${name}{${own}}`;
}

function checkOf([alert, change]: (typeof CASES)[number]) {
  // A process that has just started has counted nothing else.
  const counted = 'process_start_time_seconds' in change ? /_total/ : null;
  const series = Object.entries({ ...WELL, ...change }).flatMap(([name, values]) => {
    const isUntold = counted?.test(name) === true && !(name in change);
    return values === null || isUntold ? [] : [{ series: placed(name), values }];
  });
  return {
    interval: '1m',
    input_series: series,
    promql_expr_test: [
      {
        expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
        eval_time: `${MINUTES - 1}m`,
        exp_samples: alert === '' ? [] : [{ labels: `{alertname="${alert}"}`, value: 1 }],
      },
    ],
  };
}

test.skipIf(!isInstalled)('each alert fires by what it watches, and none beside it', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'tolld-alerts-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'alerts.yaml');
  const suite = {
    rule_files: [path.resolve(RULES)],
    evaluation_interval: '1m',
    tests: CASES.map((each) => checkOf(each)),
  };
  writeFileSync(file, stringify(suite, { lineWidth: 0 }));
  const { status, stdout, stderr } = spawnSync(PROMTOOL, ['test', 'rules', file]);
  expect(`${stdout.toString()}${stderr.toString()}`.trim()).toMatch(/SUCCESS$/);
  expect(status).toBe(0);
});

test('every alert has a case', () => {
  interface Groups {
    readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
  }
  const { groups } = parse(readFileSync(RULES, 'utf8')) as Groups;
  const named = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
  const tried = new Set(CASES.map(([alert]) => alert));
  expect(named.filter((alert) => !tried.has(alert))).toEqual([]);
});
