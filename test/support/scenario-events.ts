/** Events as a scenario writes them after `emits`. */
import type { Amount } from '../../src/domain/amounts.js';
import type { ChargingEvent, Impact, OutboxEntry } from '../../src/domain/events.js';
import { formatAmount, formatUnits } from './scenario-words.js';

/** One line per event, in their order; those of another account than `account` name it. */
export function describeEntry(entry: OutboxEntry, account: string): readonly string[] {
  return entry.accounts.flatMap(({ accountId, events }) =>
    events.map((event) => {
      const text = describeEvent(event);
      return accountId === account ? text : `on ${accountId} ${text}`;
    }),
  );
}

function describeEvent(event: ChargingEvent): string {
  switch (event.type) {
    case 'usage':
      return [
        `usage ${event.sessionId} #${event.requestNumber} ${event.service}`,
        `used ${formatUnits(event.used)}`,
        ...(event.uncollected > 0 ? [`uncollected ${formatUnits(event.uncollected)}`] : []),
        ...(event.cost !== 0 ? [`cost ${formatAmount(event.cost, event.currency ?? '')}`] : []),
        ...(event.tariffVersion === null ? [] : [`by ${event.tariffVersion}`]),
        ...event.impacts.map(describeImpact),
      ].join(' ');
    case 'shared-usage':
      return [
        `shared-usage ${event.memberAccountId} ${event.sessionId} #${event.requestNumber}`,
        event.service,
        ...event.impacts.map(describeImpact),
      ].join(' ');
    case 'ledger':
      return [
        'ledger',
        event.kind,
        ...(event.intentNumber === null ? [] : [`#${event.intentNumber}`]),
        ...(event.reason === null ? [] : [event.reason]),
        ...event.impacts.map(describeImpact),
        ...(event.belowFloor === true ? ['below the floor'] : []),
      ].join(' ');
    case 'session':
      return `session ${event.sessionId} ${event.change}${event.cause === null ? '' : ` ${event.cause}`}`;
    case 'bucket-state':
      return `bucket ${event.bucketId} ${event.from} to ${event.to}, ${event.cause}`;
    case 'threshold':
      return (
        `threshold ${event.thresholdId} ${event.direction} ` +
        `${formatAmount(event.level, event.resource)} at ${formatAmount(event.value, event.resource)}`
      );
    case 'steering':
      return `steering ${event.sessionId} ${event.kind} for ${event.reason}: ${event.outcome}`;
    case 'account':
      return `account ${event.change} ${event.standing} profile ${event.profileVersion}`;
  }
}

/** "| cash -5 = 16 for 5": the change, what is left, and the units it paid for. */
function describeImpact({ bucketId, resource, delta, after, units }: Impact): string {
  const change = `${delta > 0 ? '+' : ''}${formatAmount(delta, resource)}`;
  const paid = units === 0 ? '' : ` for ${formatUnits(units)}`;
  return `| ${bucketId} ${change} = ${formatAmount(after, resource)}${paid}`;
}

/** What a bucket holds, as `left` says it: "cash 21 held 5 inactive". */
export function describeHolding(bucket: {
  readonly bucketId: string;
  readonly resource: string;
  readonly remaining: Amount;
  readonly reserved: Amount;
  readonly state: string;
}): string {
  const { bucketId, resource, remaining, reserved, state } = bucket;
  return [
    `${bucketId} ${formatAmount(remaining, resource)}`,
    ...(reserved === 0 ? [] : [`held ${formatAmount(reserved, resource)}`]),
    ...(state === 'active' ? [] : [state]),
  ].join(' ');
}
