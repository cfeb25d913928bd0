/** `tolld verify`: proves that nothing was lost or doubled, in Postgres, in Redis and between them. */
import { Command } from 'commander';
import type { Finding } from '../recovery/finding.js';
import { verify, type VerifyProgress, type VerifyReport } from '../recovery/verify.js';
import { withBothStores } from './both-stores.js';
import { EXIT, type CommandContext } from './context.js';
import { formatJson, progressNotes, type Terminal } from './output.js';

interface VerifyFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** How often a long run says where it is. */
/** Where a finding is: "account a, bucket main". */
function placeOf({ partition, accountId, bucketId, sessionId }: Finding): string {
  return [
    ...(accountId === null ? [`partition ${partition ?? '?'}`] : [`account ${accountId}`]),
    ...(bucketId === null ? [] : [`bucket ${bucketId}`]),
    ...(sessionId === null ? [] : [`session ${sessionId}`]),
  ].join(', ');
}

function describe(report: VerifyReport, seconds: number): readonly string[] {
  const { accounts, buckets, sessions, events, eventsUnderWay, findings, truncated } = report;
  const looked =
    `${accounts} accounts, ${buckets} buckets, ${sessions} open sessions, ${events} events ` +
    `(${eventsUnderWay} of them not in Postgres yet), ${seconds.toFixed(1)} s`;
  if (report.balanced) return [`Everything balances: ${looked}.`];
  return [
    ...findings.flatMap((found) => [
      `${found.kind}  ${placeOf(found)}: ${found.message}`,
      `    ${found.remedy}`,
    ]),
    ...(truncated ? ['… and more; correct these first.'] : []),
    `${findings.length} findings${truncated ? ' shown' : ''}: ${looked}.`,
  ];
}

function tellProgress(terminal: Terminal): (progress: VerifyProgress) => void {
  const tell = progressNotes(terminal);
  return ({ partition, partitions, accounts, findings }) =>
    tell(`partition ${partition + 1} of ${partitions}, ${accounts} accounts, ${findings} findings`);
}

export function verifyCommand({ terminal, readConfig, setExitCode }: CommandContext): Command {
  return new Command('verify')
    .description(
      'prove that credits, debits, expiries and reservations balance; safe under traffic',
    )
    .option('--json', 'print JSON; amounts are in the smallest unit')
    .option('--quiet', 'say nothing while it runs')
    .addHelpText(
      'after',
      '\nExit codes: 0 everything balances, 1 there are findings, 2 it could not be checked.',
    )
    .action(async ({ json = false, quiet = false }: VerifyFlags) => {
      const { config } = readConfig();
      const startedAt = performance.now();
      // Could not be checked, until it was: a proof that broke off proves nothing.
      setExitCode(EXIT.usage);
      const options = { name: 'tolld verify', role: 'flusher' } as const;
      const report = await withBothStores(config, options, (stores) =>
        verify(
          { partitions: stores.partitions },
          { ...stores, ...(quiet ? {} : { onProgress: tellProgress(terminal) }) },
        ),
      );
      const seconds = (performance.now() - startedAt) / 1_000;
      if (json) terminal.out(formatJson({ ...report, seconds }));
      else describe(report, seconds).forEach((line) => terminal.out(line));
      setExitCode(report.balanced ? EXIT.done : EXIT.failed);
    });
}
