/** `tolld account adjust | grant | reverse | transfer`: balances changed by staff, once for each key. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import type pg from 'pg';
import { parseDecimal, type Amount } from '../domain/amounts.js';
import { adjust } from '../management/balances/adjustment.js';
import { grantBucket } from '../management/balances/bucket-posting.js';
import type { PostingOutcome } from '../management/balances/posting.js';
import { reverse, type ReversalOutcome } from '../management/balances/reversal.js';
import { readSettlement, type Settlement } from '../management/balances/settlement.js';
import { transfer, type TransferOutcome } from '../management/balances/transfer.js';
import type { Transact } from '../management/transaction.js';
import { createLogger } from '../observability/logger.js';
import { readScales, type AccountPlace } from '../records/account-lookup.js';
import { asTenant, createDatabase, EVERY_TENANT } from '../records/database.js';
import type { CommandContext } from './context.js';
import { parseCount } from './flag-values.js';
import { formatJson } from './output.js';
import { NotFoundError, requireAccount } from './record-access.js';

/** It was not written down: nothing will be done. */
export class PostingRefusedError extends Error {
  readonly code = 'TOLLD_POSTING_REFUSED';
}

/** It is written down, and nobody has carried it out within the time. */
export class PostingPendingError extends Error {
  readonly code = 'TOLLD_POSTING_PENDING';
}

interface PostingFlags {
  readonly tenant?: string;
  readonly key: string;
  readonly reason?: string;
  readonly wait: number;
  readonly json?: boolean;
}

/** The record, to be written to by staff. */
interface Desk {
  readonly pool: pg.Pool;
  readonly transact: Transact;
}

const ACTOR = 'command line';
const LOOK_MS = 100;
const WAIT_SECONDS = 15;

type Refusal = Exclude<
  TransferOutcome | ReversalOutcome | PostingOutcome | { readonly kind: 'unknown-resource' },
  { readonly kind: 'accepted' | 'repeated' }
>;

/** Why a posting was not even written down. */
function wordsOf(refusal: Refusal): string {
  switch (refusal.kind) {
    case 'conflict':
      return 'the key was used for another change; give a key of its own to each';
    case 'unknown-account':
      return 'the account is not in the record';
    case 'unknown-resource':
      return 'the tenant has no such resource; its operator file declares them';
    case 'unknown-event':
      return 'the account has no such change of a balance; `tolld events` numbers them';
    case 'irreversible':
      return `an event of kind ${refusal.of} cannot be reversed`;
    case 'reversed-before':
      return `the event was reversed before, by intent ${refusal.intentId}`;
    case 'unknown-bucket':
      return `account ${refusal.accountId} has no bucket ${refusal.bucketId}`;
    case 'other-tenant':
      return 'the accounts are of two tenants';
    case 'same-account':
      return 'both are the same account';
    case 'other-resource':
      return `one bucket holds ${refusal.from}, the other ${refusal.to}`;
  }
}

const REFUSALS: Readonly<Record<string, string>> = {
  'below-floor': 'the bucket does not hold as much above its floor that no session has reserved',
  'bucket-inactive': 'the bucket is out of use, has ended or has not begun',
  'unknown-bucket': 'the account has no such bucket any more',
  'bucket-exists': 'the account has a bucket of this id already',
  'amount-out-of-range': 'the bucket would hold more, or less, than can be counted exactly',
};

/** What became of a posting, in a sentence. @throws PostingRefusedError, PostingPendingError */
function report(settlement: Settlement, { wait, key }: Pick<PostingFlags, 'wait' | 'key'>): string {
  switch (settlement.state) {
    case 'applied':
      return `done: event ${settlement.sequence} of the account`;
    case 'refused': {
      const why = REFUSALS[settlement.refusal] ?? settlement.refusal;
      throw new PostingRefusedError(`refused, nothing has changed: ${why}`);
    }
    case 'returned': {
      const why = REFUSALS[settlement.refusal] ?? settlement.refusal;
      throw new PostingRefusedError(`what was taken has come back: ${why} (the receiving one)`);
    }
    case 'pending':
      throw new PostingPendingError(
        `written down, and not carried out within ${wait} s: a process with the role ` +
          `management does it; ask again with --key ${key}`,
      );
  }
}

async function settled(
  { transact }: Desk,
  intentId: string,
  waitSeconds: number,
): Promise<Settlement> {
  const deadline = Date.now() + waitSeconds * 1_000;
  for (;;) {
    const settlement = await transact((client) => readSettlement(client, intentId));
    if (settlement.state !== 'pending' || Date.now() >= deadline) return settlement;
    await sleep(LOOK_MS);
  }
}

/** Posts, waits for what becomes of it, and says it. */
async function carryOut(
  { readConfig, terminal }: CommandContext,
  { key, wait, json }: PostingFlags,
  work: (desk: Desk) => Promise<Refusal | Extract<PostingOutcome, { intentId: string }>>,
): Promise<void> {
  const pool = createDatabase(
    {
      url: readConfig().config.postgres.url,
      name: 'tolld cli',
      connectionsMax: 1,
      role: 'manager',
    },
    { logger: createLogger({ level: 'silent' }) },
  );
  const desk: Desk = { pool, transact: (inside) => asTenant(pool, EVERY_TENANT, inside) };
  try {
    const outcome = await work(desk);
    if (outcome.kind !== 'accepted' && outcome.kind !== 'repeated') {
      throw new PostingRefusedError(wordsOf(outcome));
    }
    const settlement = await settled(desk, outcome.intentId, wait);
    const { intentId, kind } = outcome;
    if (json === true) {
      terminal.out(formatJson({ intentId, key, repeated: kind === 'repeated', ...settlement }));
    }
    const words = report(settlement, { wait, key });
    if (json !== true) terminal.out(`${kind === 'repeated' ? 'as before, ' : ''}${words}`);
  } finally {
    await pool.end();
  }
}

/** A bucket's resource and an amount of it as people write it. @throws NotFoundError, AmountRangeError */
async function amountOf(
  { pool, transact }: Desk,
  { tenant, accountId }: AccountPlace,
  { bucket, amount }: { readonly bucket: string; readonly amount: string },
): Promise<Amount> {
  const resource = await transact(async (client) => {
    const { rows } = await client.query<{ resource: string }>(
      'SELECT resource FROM tolld.buckets WHERE account_id = $1 AND bucket_id = $2',
      [accountId, bucket],
    );
    return rows[0]?.resource;
  });
  if (resource === undefined) {
    throw new NotFoundError(`account ${accountId} has no bucket ${bucket}; \`tolld account show\``);
  }
  return amountIn(pool, tenant, { resource, amount });
}

async function amountIn(
  pool: pg.Pool,
  tenant: string,
  { resource, amount }: { readonly resource: string; readonly amount: string },
): Promise<Amount> {
  const scales = await readScales(pool, tenant);
  return parseDecimal(amount, scales.get(resource) ?? 0);
}

function posting({ key, reason }: PostingFlags) {
  return { idempotencyKey: key, actor: ACTOR, reason: reason ?? null };
}

const CLOCK = { clock: Date.now };

const EXPLAINED = `
The change is written down first, under its key, and carried out by a running process with the role
management. Asked for again with the same key it is not made again: its outcome is told.

Exit codes: 0 carried out, 1 refused or not carried out yet, 2 wrong command line.`;

function postingCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(
      new Option('--key <text>', 'name of the change, for who may have to ask again').default(
        randomUUID(),
        'a new one each time',
      ),
    )
    .option('--reason <text>', 'words for the ledger')
    .option('--tenant <id>', 'where several tenants use the same external id')
    .option('--wait <s>', 'how long it may take', parseCount, WAIT_SECONDS)
    .option('--json', 'print JSON; amounts are in the smallest unit')
    .addHelpText('after', EXPLAINED);
}

function parseUnsigned(text: string): string {
  if (!/^\d+(\.\d+)?$/.test(text) || Number(text) === 0) {
    throw new InvalidArgumentError('give an amount above 0');
  }
  return text;
}

function parseSigned(text: string): string {
  if (!/^-?\d+(\.\d+)?$/.test(text) || Number(text) === 0) {
    throw new InvalidArgumentError('give an amount, such as 5 or -2.50');
  }
  return text;
}

interface BucketFlags extends PostingFlags {
  readonly bucket: string;
  readonly amount: string;
}

export function adjustCommand(context: CommandContext): Command {
  return postingCommand('adjust', 'give an account an amount, or take it: below the floor, too')
    .argument('<id>', 'id or external id of the account')
    .requiredOption('--bucket <id>', 'bucket of the account')
    .requiredOption('--amount <n>', 'in units that people use; below 0 to take', parseSigned)
    .action(async (id: string, flags: BucketFlags) => {
      await carryOut(context, flags, async (desk) => {
        const place = await requireAccount(desk.pool, { id, tenant: flags.tenant });
        const { accountId } = place;
        const { bucket: bucketId } = flags;
        const amount = await amountOf(desk, place, flags);
        return adjust(desk.transact, { accountId, bucketId, amount, ...posting(flags) }, CLOCK);
      });
    });
}

interface GrantFlags extends BucketFlags {
  readonly resource: string;
  readonly priority?: number;
  readonly until?: number;
}

function parseInstant(text: string): number {
  const at = Date.parse(text);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(at)) {
    throw new InvalidArgumentError('give a time as 2026-12-31T23:00Z');
  }
  return at;
}

export function grantCommand(context: CommandContext): Command {
  return postingCommand('grant', 'give an account a new bucket, which begins at once')
    .argument('<id>', 'id or external id of the account')
    .requiredOption('--bucket <id>', 'id of the new bucket')
    .requiredOption('--resource <code>', 'what it counts: octets, EUR')
    .requiredOption('--amount <n>', 'what is in it, in units that people use', parseUnsigned)
    .option('--priority <n>', 'lower is used first', parseCount)
    .option('--until <time>', 'when it ends, ISO 8601', parseInstant)
    .action(async (id: string, flags: GrantFlags) => {
      await carryOut(context, flags, async ({ pool, transact }) => {
        const { accountId, tenant } = await requireAccount(pool, { id, tenant: flags.tenant });
        const { bucket: bucketId, resource, priority = null, until: endsAt = null } = flags;
        const amount = await amountIn(pool, tenant, flags);
        const bucket = { accountId, bucketId, resource, amount, priority, endsAt };
        return grantBucket(transact, { ...bucket, ...posting(flags) }, CLOCK);
      });
    });
}

interface ReverseFlags extends PostingFlags {
  readonly event: number;
}

export function reverseCommand(context: CommandContext): Command {
  return postingCommand(
    'reverse',
    'take an event back: a credit, a debit or a use; whole, and once',
  )
    .argument('<id>', 'id or external id of the account')
    .requiredOption('--event <no>', 'its number in `tolld events --account ID`', parseCount)
    .action(async (id: string, flags: ReverseFlags) => {
      await carryOut(context, flags, async ({ pool, transact }) => {
        const { accountId } = await requireAccount(pool, { id, tenant: flags.tenant });
        const { event: sequence } = flags;
        return reverse(transact, { accountId, sequence, ...posting(flags) }, CLOCK);
      });
    });
}

interface TransferFlags extends BucketFlags {
  readonly toBucket?: string;
}

export function transferCommand(context: CommandContext): Command {
  return postingCommand(
    'transfer',
    'move an amount to another account, if it is free and above the floor',
  )
    .argument('<from>', 'id or external id of the account that gives')
    .argument('<to>', 'id or external id of the account that receives')
    .requiredOption('--bucket <id>', 'bucket of the account that gives')
    .option('--to-bucket <id>', 'bucket of the account that receives (default: of the same id)')
    .requiredOption('--amount <n>', 'in units that people use', parseUnsigned)
    .action(async (giver: string, receiver: string, flags: TransferFlags) => {
      await carryOut(context, flags, async (desk) => {
        const { tenant, bucket, toBucket = bucket } = flags;
        const place = await requireAccount(desk.pool, { id: giver, tenant });
        const other = await requireAccount(desk.pool, { id: receiver, tenant });
        const amount = await amountOf(desk, place, flags);
        const from = { accountId: place.accountId, bucketId: bucket };
        const to = { accountId: other.accountId, bucketId: toBucket };
        return transfer(desk.transact, { from, to, amount, ...posting(flags) }, CLOCK);
      });
    });
}
