/** tolld as it is installed: end-to-end tests and measurements run what users run. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(import.meta.dirname, '..', '..');

/**
 * Builds tolld into a directory, laid out as its package is, and resolves to the program in it. From
 * its source each process takes over twice as long to start, and tsx names each closure as it is
 * made, which costs a request more than most of what it does.
 * @throws Error with what the compiler said.
 */
export async function buildProgram(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const build = path.join(ROOT, 'scripts', 'build.ts');
  const target = path.join(directory, 'dist');
  await promisify(execFile)(process.execPath, ['--import', 'tsx', build, target], { cwd: ROOT });
  for (const part of ['package.json', 'bin']) {
    await cp(path.join(ROOT, part), path.join(directory, part), { recursive: true });
  }
  await symlink(path.join(ROOT, 'node_modules'), path.join(directory, 'node_modules'));
  return path.join(directory, 'bin', 'tolld.js');
}

/** The flags for Node that a program's first line has, for who gives it others, too. */
export function flagsOf(program: string): readonly string[] {
  const [first = ''] = readFileSync(program, 'utf8').split('\n', 1);
  return first.split(' ').filter((word) => word.startsWith('--'));
}
