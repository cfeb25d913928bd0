/** `tolld account`: an account as charging sees it now, and why; and what staff change of it. */
import { Command } from 'commander';
import { readSession } from '../charging/session-snapshot.js';
import { findAccount } from '../charging/snapshot.js';
import {
  readConsumptionOrders,
  readScales,
  readTies,
  type AccountGroup,
  type AccountPlace,
} from '../records/account-lookup.js';
import { readTimeline } from '../records/account-timeline.js';
import { findOpenSessions } from '../records/open-sessions.js';
import { adjustCommand, grantCommand, reverseCommand, transferCommand } from './account-posting.js';
import { amountText, describeAccount, type LiveState } from './account-report.js';
import { explainBuckets } from './bucket-order.js';
import type { CommandContext } from './context.js';
import { withEngine } from './engine-access.js';
import { formatJson } from './output.js';
import { NotFoundError, requireAccount, withRecord } from './record-access.js';

interface ShowFlags {
  readonly tenant?: string;
  readonly json?: boolean;
}

/** Open sessions looked at; an account has a handful. */
const SESSIONS_MAX = 200;
/** Events at the end; `tolld events` has them all. */
const EVENTS_MAX = 10;

async function readFromRedis(
  context: CommandContext,
  { partition, accountId }: AccountPlace,
  {
    sessionIds,
    ownerAccountId,
  }: { readonly sessionIds: readonly string[]; readonly ownerAccountId: string | null },
): Promise<LiveState> {
  return withEngine(context, async (engine) => {
    const account = await findAccount(engine, partition, accountId);
    if (account === null) {
      throw new NotFoundError(
        `account ${accountId} is in the record and not in Redis (partition ${partition})`,
      );
    }
    // Postgres is a moment behind: what has ended meanwhile is left out.
    const ids = new Set([...account.starvedSessions, ...sessionIds]);
    const found = await Promise.all(
      [...ids].map((id) => readSession(engine, account.partition, id)),
    );
    const sessions = found.filter((session) => session?.state === 'open');
    const owner =
      ownerAccountId === null ? null : await findAccount(engine, account.partition, ownerAccountId);
    // Only in one partition a member draws on its owner.
    const drawn = owner?.partition === account.partition ? owner : null;
    return { account, owner: drawn, sessions: sessions.filter((session) => session !== null) };
  });
}

/** Whether an account may draw on the owner of a group that it is part of. */
function isDrawnOn({ ownerAccountId, state }: AccountGroup, accountId: string): boolean {
  return ownerAccountId !== accountId && state === 'active';
}

function showCommand(context: CommandContext): Command {
  const { terminal } = context;
  return new Command('show')
    .description('show an account: its buckets in the order of use and why, who holds what')
    .argument('<id>', 'id or external id of the account')
    .option('--tenant <id>', 'where several tenants use the same external id')
    .option('--json', 'print JSON; amounts are in the smallest unit')
    .action(async (id: string, { tenant: named, json }: ShowFlags) => {
      await withRecord(context, async (pool) => {
        const place = await requireAccount(pool, { id, tenant: named });
        const { tenant, accountId, partition, externalId, customerId } = place;
        const sessionIds = await findOpenSessions(pool, {
          tenant,
          accountId,
          countMax: SESSIONS_MAX,
        });
        const scales = await readScales(pool, tenant);
        const ties = await readTies(pool, place);
        const group = ties.groups.find((each) => isDrawnOn(each, accountId)) ?? null;
        const ownerAccountId = group?.ownerAccountId ?? null;
        const live = await readFromRedis(context, place, { sessionIds, ownerAccountId });
        const buckets = explainBuckets(live.account.buckets, {
          orders: await readConsumptionOrders(pool, tenant),
          now: Date.now(),
          show: (amount, resource) => `${amountText(amount, resource, scales)} ${resource}`,
          ...(group !== null &&
            live.owner !== null && { shared: { ...group, buckets: live.owner.buckets } }),
        });
        const events = await readTimeline(pool, {
          tenant,
          accountId,
          since: null,
          countMax: EVENTS_MAX,
        });
        if (json === true) {
          terminal.out(
            formatJson({
              tenant,
              partition,
              externalId,
              customerId,
              ...live.account,
              buckets: buckets.map(({ bucket, ofOwner, place: use, why }) => ({
                ...bucket,
                ...(ofOwner && { ownerAccountId }),
                ...{ use, why },
              })),
              ...ties,
              sessions: live.sessions,
              events,
            }),
          );
          return;
        }
        describeAccount({ ...live, place, ties, buckets, events, scales }).forEach((line) =>
          terminal.out(line),
        );
      });
    });
}

export function accountCommand(context: CommandContext): Command {
  return new Command('account')
    .description('look at accounts, and change their balances')
    .addCommand(showCommand(context))
    .addCommand(adjustCommand(context))
    .addCommand(grantCommand(context))
    .addCommand(reverseCommand(context))
    .addCommand(transferCommand(context));
}
