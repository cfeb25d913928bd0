/** `tolld config`: what is in effect, and where each value came from. */
import { Command } from 'commander';
import { printable } from '../config.js';
import type { CommandContext } from './context.js';
import { formatJson, formatTable } from './output.js';

export function configCommand({ terminal, readConfig }: CommandContext): Command {
  return new Command('config')
    .description('print the effective configuration, with passwords masked')
    .option('--json', 'print JSON')
    .action(({ json }: { json?: boolean }) => {
      const settings = printable(readConfig());
      if (json === true) {
        terminal.out(formatJson(settings));
        return;
      }
      const rows = settings.map(({ path, value, source }) => [path, String(value), source]);
      formatTable(['setting', 'value', 'from'], rows).forEach((line) => terminal.out(line));
    });
}
