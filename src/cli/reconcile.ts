/** `tolld reconcile`: compares every bucket with its ledger sum, and books the differences if asked. */
import { userInfo } from 'node:os';
import { Command } from 'commander';
import { correctBuckets } from '../management/balances/correction.js';
import { createEngineFace } from '../management/engine-face.js';
import { createSynchroniser, SYNCHRONISER_DEFAULTS } from '../management/synchroniser.js';
import type { Transact } from '../management/transaction.js';
import { createLogger } from '../observability/logger.js';
import { createMetrics } from '../observability/metrics.js';
import { asTenant, createDatabase, EVERY_TENANT } from '../records/database.js';
import { reconcile, type Difference, type ReconcileReport } from '../recovery/reconcile.js';
import type { Config } from '../settings.js';
import { withBothStores, type BothStores } from './both-stores.js';
import { EXIT, type CommandContext } from './context.js';
import { formatJson, formatTable } from './output.js';

interface ReconcileFlags {
  readonly repair?: boolean;
  readonly json?: boolean;
}

const SILENT = createLogger({ level: 'silent' });

/** Writes correcting entries and applies them. @returns the accounts that got one. */
async function repair(
  config: Config,
  { engine }: BothStores,
  differences: readonly Difference[],
): Promise<readonly string[]> {
  const pool = createDatabase(
    { url: config.postgres.url, name: 'tolld reconcile', connectionsMax: 2, role: 'manager' },
    { logger: SILENT },
  );
  const transact: Transact = (work) => asTenant(pool, EVERY_TENANT, work);
  try {
    const correctable = differences.filter(({ obstacle }) => obstacle === null);
    const actor = `tolld reconcile (${userInfo().username})`;
    const corrected = await correctBuckets(transact, correctable, { actor, clock: Date.now });
    // A running daemon would do it, too; without one nobody would.
    await createSynchroniser(SYNCHRONISER_DEFAULTS, {
      transact,
      engine: createEngineFace(engine),
      logger: SILENT,
      metrics: createMetrics({ processMetrics: false }),
      clock: Date.now,
    }).runOnce();
    return corrected;
  } finally {
    await pool.end();
  }
}

function describe(
  { accounts, buckets, differences }: ReconcileReport,
  corrected: readonly string[] | null,
): readonly string[] {
  const looked = `${buckets} buckets of ${accounts} accounts`;
  if (differences.length === 0) return [`No difference in ${looked}.`];
  const done = new Set(corrected ?? []);
  const rows = differences.map((each) => [
    each.accountId,
    each.bucketId,
    each.remaining === null ? 'none' : String(each.remaining),
    String(each.expected),
    String(each.difference),
    each.resource,
    done.has(each.accountId)
      ? 'booked'
      : (each.obstacle ?? (corrected === null ? '' : 'booked before, or an unknown account')),
  ]);
  const headings = ['account', 'bucket', 'in Redis', 'by its facts', 'difference', 'of', ''];
  return [...formatTable(headings, rows), `${differences.length} differences in ${looked}.`];
}

export function reconcileCommand({ terminal, readConfig, setExitCode }: CommandContext): Command {
  return new Command('reconcile')
    .description('compare every bucket in Redis with the sum of its facts; safe under traffic')
    .option('--repair', 'book each difference in the ledger; what Redis holds stays as it is')
    .option('--json', 'print JSON; amounts are in the smallest unit')
    .addHelpText(
      'after',
      '\nExit codes: 0 no difference, 1 there were differences, 2 they could not be compared.',
    )
    .action(async ({ repair: repairs = false, json = false }: ReconcileFlags) => {
      const { config } = readConfig();
      setExitCode(EXIT.usage);
      const options = { name: 'tolld reconcile', role: 'flusher' } as const;
      const { report, corrected } = await withBothStores(config, options, async (stores) => {
        const found = await reconcile({ partitions: stores.partitions }, stores);
        const isWanted = repairs && found.differences.length > 0;
        return {
          report: found,
          corrected: isWanted ? await repair(config, stores, found.differences) : null,
        };
      });
      if (json) terminal.out(formatJson({ ...report, corrected }));
      else describe(report, corrected).forEach((line) => terminal.out(line));
      setExitCode(report.differences.length === 0 ? EXIT.done : EXIT.failed);
    });
}
