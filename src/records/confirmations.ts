/** What events say to those who wait: intents that were settled, thresholds to be told. */
import type { LedgerEvent, ThresholdEvent } from '../domain/events.js';
import { instantText } from './copy-text.js';
import type { EventContext } from './event-context.js';
import type { Statement } from './statement-series.js';

interface SettledIntent {
  readonly id: string;
  readonly state: 'applied' | 'refused';
  readonly refusal: string | null;
  readonly sequence: number;
  readonly at: string;
}

/** By intent: one may have made several events, the first is named. */
export type SettledIntents = Map<string, SettledIntent>;

export function addSettledIntent(
  intents: SettledIntents,
  event: LedgerEvent,
  { sequence, atMs }: EventContext,
): void {
  const { intentId } = event;
  if (intentId === null || intents.has(intentId)) return;
  const isRefused = event.kind === 'refused';
  intents.set(intentId, {
    id: intentId,
    state: isRefused ? 'refused' : 'applied',
    refusal: isRefused ? event.reason : null,
    sequence,
    at: instantText(atMs),
  });
}

export function intentStatements(intents: SettledIntents): readonly Statement[] {
  if (intents.size === 0) return [];
  return [{ ...SETTLE_INTENTS, values: [JSON.stringify([...intents.values()])] }];
}

const SETTLE_INTENTS = {
  name: 'settled intents',
  text: `
      UPDATE tolld.intents AS i
      SET state = v.state, refusal = v.refusal, settled_at = v.at, applied_sequence = v.sequence
      FROM jsonb_to_recordset($1)
        AS v (id text, state text, refusal text, sequence bigint, at timestamptz)
      WHERE i.id = v.id AND i.applied_sequence IS NULL`,
};

interface NotificationRow {
  readonly tenant: string;
  readonly account_id: string;
  readonly sequence: number;
  readonly raised_at: string;
  readonly threshold_id: string;
  readonly resource: string;
  readonly level: number;
  readonly value: number;
}

export type Notifications = NotificationRow[];

/** A threshold that is armed again is told to nobody. */
export function addNotification(
  notifications: Notifications,
  event: ThresholdEvent,
  context: EventContext,
): void {
  if (event.direction !== 'crossed') return;
  notifications.push({
    tenant: context.tenant,
    account_id: context.accountId,
    sequence: context.sequence,
    raised_at: instantText(context.atMs),
    threshold_id: event.thresholdId,
    resource: event.resource,
    level: event.level,
    value: event.value,
  });
}

export function notificationStatements(notifications: Notifications): readonly Statement[] {
  if (notifications.length === 0) return [];
  return [{ ...NOTIFY, values: [JSON.stringify(notifications)] }];
}

const NOTIFY = {
  name: 'notifications',
  text: `
      INSERT INTO tolld.notifications
        (tenant, account_id, sequence, raised_at, threshold_id, resource, level, value)
      SELECT * FROM jsonb_to_recordset($1) AS v (tenant text, account_id text, sequence bigint,
        raised_at timestamptz, threshold_id text, resource text, level bigint, value bigint)`,
};
