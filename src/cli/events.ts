/** `tolld events`: what happened to an account, as Postgres has it. */
import { Command, InvalidArgumentError } from 'commander';
import { formatDecimal, type Amount } from '../domain/amounts.js';
import { readScales } from '../records/account-lookup.js';
import { readTimeline, type TimelineEvent } from '../records/account-timeline.js';
import type { CommandContext } from './context.js';
import { formatJson, formatTable } from './output.js';
import { parsePointInTime } from './point-in-time.js';
import { requireAccount, withRecord } from './record-access.js';

interface EventsFlags {
  readonly account: string;
  readonly tenant?: string;
  readonly since?: number;
  readonly limit: number;
  readonly json?: boolean;
}

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 100_000;

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit < 1 || limit > LIMIT_MAX) {
    throw new InvalidArgumentError(`give a number from 1 to ${LIMIT_MAX}`);
  }
  return limit;
}

function row(event: TimelineEvent, scales: ReadonlyMap<string, number>): readonly string[] {
  const show = (amount: Amount, resource: string | null): string =>
    formatDecimal(amount, scales.get(resource ?? '') ?? 0);
  const { usage, impacts } = event;
  const used = usage === null ? '' : `${show(usage.used, usage.unit)} ${usage.unit ?? ''}`.trim();
  const cost =
    usage === null || usage.currency === null
      ? ''
      : `${show(usage.cost, usage.currency)} ${usage.currency}`;
  const changes = impacts.map(({ bucketId, resource, delta, after }) => {
    const sign = delta > 0 ? '+' : '';
    const left = after === null ? '' : ` -> ${show(after, resource)}`;
    return `${bucketId} ${sign}${show(delta, resource)}${left}`;
  });
  return [
    String(event.sequence),
    new Date(event.at).toISOString(),
    event.kind,
    event.change ?? '',
    used,
    cost,
    [...changes, ...(event.belowFloor ? ['below the floor'] : [])].join('; '),
    event.subject ?? '',
  ];
}

const HEADINGS = ['no', 'at', 'kind', 'what', 'used', 'cost', 'buckets', 'subject'];

/** Events in columns, amounts in units that people use. */
export function timelineTable(
  events: readonly TimelineEvent[],
  scales: ReadonlyMap<string, number>,
): readonly string[] {
  return formatTable(
    HEADINGS,
    events.map((event) => row(event, scales)),
  );
}

export function eventsCommand(context: CommandContext): Command {
  const { terminal } = context;
  return new Command('events')
    .description('list what happened to an account, as Postgres has it, the newest last')
    .requiredOption('--account <id>', 'id or external id of the account')
    .option('--tenant <id>', 'where several tenants use the same external id')
    .option('--since <time>', 'ISO 8601, or 15m, 2h, 3d ago', (text) =>
      parsePointInTime(text, Date.now()),
    )
    .option('--limit <count>', 'at most so many, the newest ones', parseLimit, LIMIT_DEFAULT)
    .option('--json', 'print JSON; amounts are in the smallest unit')
    .action(async ({ account: id, tenant, since, limit, json }: EventsFlags) => {
      await withRecord(context, async (pool) => {
        const place = await requireAccount(pool, { id, tenant });
        const events = await readTimeline(pool, {
          tenant: place.tenant,
          accountId: place.accountId,
          since: since ?? null,
          countMax: limit,
        });
        if (json === true) {
          terminal.out(formatJson(events));
          return;
        }
        const scales = await readScales(pool, place.tenant);
        timelineTable(events, scales).forEach((line) => terminal.out(line));
      });
    });
}
