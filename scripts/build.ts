/**
 * Builds `dist/`, or the directory that is named: the command line and all it imports as JavaScript,
 * in the folders of the source, with the files that are read at run time beside it.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');
const TARGET = path.resolve(process.argv[2] ?? path.join(ROOT, 'dist'));
const READ_AT_RUN_TIME = ['lua', 'schema/migrations'];

rmSync(TARGET, { recursive: true, force: true });
const compiler = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', TARGET], {
  cwd: ROOT,
  stdio: 'inherit',
});
for (const folder of READ_AT_RUN_TIME) {
  cpSync(path.join(ROOT, folder), path.join(TARGET, folder), { recursive: true });
}
console.log(`${path.relative(ROOT, TARGET)} is built; bin/tolld.js runs what is in dist/.`);
