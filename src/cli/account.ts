/** `tolld account show`: an account as charging sees it now. */
import { Command } from 'commander';
import { createEngineConnection } from '../charging/engine-connection.js';
import { readAccount, type AccountSnapshot } from '../charging/snapshot.js';
import { formatDecimal, type Amount } from '../domain/amounts.js';
import { createLogger } from '../observability/logger.js';
import { readScales, type AccountPlace } from '../records/account-lookup.js';
import type { CommandContext } from './context.js';
import { formatJson, formatTable } from './output.js';
import { NotFoundError, requireAccount, withRecord } from './record-access.js';

interface ShowFlags {
  readonly tenant?: string;
  readonly json?: boolean;
}

async function readFromRedis(
  { readConfig }: CommandContext,
  place: AccountPlace,
): Promise<AccountSnapshot> {
  const { redis, engine } = readConfig().config;
  const connection = createEngineConnection(
    {
      url: redis.url,
      keyPrefix: redis.keyPrefix,
      name: 'tolld cli',
      commandTimeoutMs: redis.commandTimeoutMs,
      requestTimeoutMs: engine.requestTimeoutMs,
    },
    { logger: createLogger({ level: 'silent' }) },
  );
  try {
    await connection.open();
    const account = await readAccount(connection.engine, place.partition, place.accountId);
    if (account !== null) return account;
    throw new NotFoundError(
      `account ${place.accountId} is in the record and not in Redis (partition ${place.partition})`,
    );
  } finally {
    await connection.close();
  }
}

function formatInstant(milliseconds: number | null): string {
  return milliseconds === null ? '-' : new Date(milliseconds).toISOString();
}

function describeAccount(
  { tenant, partition, externalId, customerId }: AccountPlace,
  account: AccountSnapshot,
  scales: ReadonlyMap<string, number>,
): readonly string[] {
  const names = [
    ...(externalId === null ? [] : [`external id ${externalId}`]),
    ...(customerId === null ? [] : [`customer ${customerId}`]),
  ];
  const rows = account.buckets.map((bucket) => {
    const show = (amount: Amount): string =>
      formatDecimal(amount, scales.get(bucket.resource) ?? 0);
    const { bucketId, resource, priority, state, remaining, reserved, granted, endsAt } = bucket;
    const ends = formatInstant(endsAt);
    return [
      bucketId,
      resource,
      priority,
      state,
      show(remaining),
      show(reserved),
      show(granted),
      ends,
    ];
  });
  const headings = ['bucket', 'resource', 'priority', 'state', 'left', 'reserved', 'granted'];
  return [
    `account ${account.accountId}, tenant ${tenant}${names.map((name) => `, ${name}`).join('')}`,
    `${account.standing}, partition ${partition}, event ${account.sequence} ` +
      `at ${formatInstant(account.lastSeen)}`,
    '',
    ...formatTable([...headings, 'ends'], rows),
  ];
}

export function accountCommand(context: CommandContext): Command {
  const { terminal } = context;
  const show = new Command('show')
    .description('show an account with its buckets in the order in which they are charged')
    .argument('<id>', 'id or external id of the account')
    .option('--tenant <id>', 'where several tenants use the same external id')
    .option('--json', 'print JSON; amounts are in the smallest unit')
    .action(async (id: string, { tenant, json }: ShowFlags) => {
      await withRecord(context, async (pool) => {
        const place = await requireAccount(pool, { id, tenant });
        const account = await readFromRedis(context, place);
        if (json === true) {
          const { tenant: owner, partition, externalId, customerId } = place;
          terminal.out(
            formatJson({ tenant: owner, partition, externalId, customerId, ...account }),
          );
          return;
        }
        const scales = await readScales(pool, place.tenant);
        describeAccount(place, account, scales).forEach((line) => terminal.out(line));
      });
    });
  return new Command('account').description('look at accounts').addCommand(show);
}
