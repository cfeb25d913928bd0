/** `tolld simulate`: plays a part of the network that isn't there. */
import { Command } from 'commander';
import type { CommandContext } from './context.js';
import { simulateGyCommand } from './simulate-gy.js';
import { simulateRadiusCommand } from './simulate-radius.js';

export function simulateCommand(context: CommandContext): Command {
  return new Command('simulate')
    .description('play a part of the network')
    .addCommand(simulateGyCommand(context))
    .addCommand(simulateRadiusCommand(context));
}
