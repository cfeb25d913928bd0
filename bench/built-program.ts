import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');

/**
 * Builds tolld into a directory as an installation has it, and returns its program. What tsx makes of
 * the source names each closure as it is made, which costs a request more than most of what it does.
 */
export function buildProgram(directory: string): string {
  mkdirSync(directory, { recursive: true });
  const loader = ['--import', 'tsx', path.join(ROOT, 'scripts', 'build.ts')];
  execFileSync(process.execPath, [...loader, path.join(directory, 'dist')], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  copyFileSync(path.join(ROOT, 'package.json'), path.join(directory, 'package.json'));
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(directory, 'node_modules'));
  const program = path.join(directory, 'tolld.js');
  writeFileSync(
    program,
    `import { main } from './dist/src/main.js';\nprocess.exitCode = await main(process.argv.slice(2));\n`,
  );
  return program;
}
