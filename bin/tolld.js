#!/usr/bin/env -S node --max-semi-space-size=64
/**
 * Runs the built program where there is one, else the source, as a clone has it.
 *
 * Nearly all that a request allocates is dead by the next collection. In a young generation four times
 * Node's that comes four times as seldom, and costs a tenth of the CPU less (bench/README.md,
 * radius-accounting); Node takes its size at start only.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = new URL('../dist/src/main.js', import.meta.url);
const source = new URL('../src/main.ts', import.meta.url);

let entry = built;
if (!existsSync(fileURLToPath(built))) {
  const { register } = await import('tsx/esm/api');
  register();
  entry = source;
}
const { main } = await import(entry.href);
process.exitCode = await main(process.argv.slice(2));
