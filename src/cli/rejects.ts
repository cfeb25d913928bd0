/** `tolld rejects`: who was turned away by RADIUS, and why. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { readRejections, REJECTIONS_KEPT, type LoginRejection } from '../charging/reject-log.js';
import { REJECT_REASONS, type RejectReason } from '../domain/access.js';
import type { CommandContext } from './context.js';
import { withEngine } from './engine-access.js';
import { formatJson, formatTable } from './output.js';
import { parsePointInTime } from './point-in-time.js';

interface RejectsFlags {
  readonly user?: string;
  readonly nas?: string;
  readonly reason?: RejectReason;
  readonly since?: number;
  readonly limit: number;
  readonly json?: boolean;
}

const LIMIT_DEFAULT = 100;

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit < 1 || limit > REJECTIONS_KEPT) {
    throw new InvalidArgumentError(`give a number from 1 to ${REJECTIONS_KEPT}`);
  }
  return limit;
}

/** Those that match all flags, newest first. */
function matching(
  rejections: readonly LoginRejection[],
  { user, nas, reason, since, limit }: RejectsFlags,
): readonly LoginRejection[] {
  return rejections
    .filter(
      (one) =>
        (user === undefined || one.userName === user || one.station === user) &&
        (nas === undefined || one.nas === nas) &&
        (reason === undefined || one.reason === reason) &&
        (since === undefined || one.at >= since),
    )
    .slice(0, limit);
}

function row(rejection: LoginRejection): readonly string[] {
  const { at, reason, userName, station, nas, connection, method, subscription } = rejection;
  return [
    new Date(at).toISOString(),
    reason,
    userName ?? '',
    station ?? '',
    nas,
    connection,
    method,
    subscription ?? '',
  ];
}

const HEADINGS = ['at', 'why', 'user', 'station', 'nas', 'connection', 'method', 'subscriber'];

export function rejectsCommand(context: CommandContext): Command {
  const { terminal } = context;
  return new Command('rejects')
    .description('list who was turned away by RADIUS and why, the newest first')
    .option('--user <name>', 'this user name or station only')
    .option('--nas <name>', 'at this NAS only')
    .addOption(new Option('--reason <word>', 'for this reason only').choices(REJECT_REASONS))
    .option('--since <time>', 'ISO 8601, or 15m, 2h, 3d ago', (text) =>
      parsePointInTime(text, Date.now()),
    )
    .option('--limit <count>', 'at most so many', parseLimit, LIMIT_DEFAULT)
    .option('--json', 'print JSON')
    .action(async (flags: RejectsFlags) => {
      const all = await withEngine(context, (engine) =>
        readRejections(engine, { countMax: REJECTIONS_KEPT }),
      );
      const found = matching(all, flags);
      if (flags.json === true) terminal.out(formatJson(found));
      else formatTable(HEADINGS, found.map(row)).forEach((line) => terminal.out(line));
    });
}
