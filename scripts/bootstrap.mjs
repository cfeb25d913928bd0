/**
 * What must be there before any TypeScript can run: a Node that is new enough and the npm packages.
 * Plain JavaScript without dependencies, since on a fresh clone there are none.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

const NODE_MIN = [20, 19];
const PROGRESS_INTERVAL_MS = 5_000;

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  fail(
    `tolld needs Node.js ${NODE_MIN.join('.')} or newer; this is ${process.versions.node}.`,
    'Get one from https://nodejs.org or with your version manager (`nvm install 22`).',
  );
}

function checkPlatform() {
  if (process.platform !== 'win32') return;
  fail(
    'Redis has no Windows build. Run this inside WSL (`wsl --install`), where all of it works,',
    'or start the services of compose.yaml with Docker.',
  );
}

function fail(...lines) {
  console.error(lines.join('\n'));
  process.exit(1);
}

function readJson(name) {
  const file = path.join(ROOT, name);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}

/** Whether every package that the lock file demands is there in the version that it names. */
function dependenciesAreCurrent() {
  const wanted = readJson('package-lock.json');
  const present = readJson('node_modules/.package-lock.json');
  if (present === null) return false;
  return Object.entries(wanted.packages).every(
    ([place, { version, optional }]) =>
      place === '' || optional === true || present.packages[place]?.version === version,
  );
}

/** The npm that runs us, else the one on the search path. */
function npmCommand() {
  const script = process.env.npm_execpath;
  const isNpm = script !== undefined && path.basename(script) === 'npm-cli.js';
  return isNpm ? [process.execPath, script] : ['npm'];
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${args[0] ?? command} ended with ${signal ?? `exit ${code}`}`));
    });
  });
}

async function installDependencies() {
  const startedAt = Date.now();
  const seconds = () => Math.round((Date.now() - startedAt) / 1000);
  console.log('… installing dependencies (npm ci), about 15 s on a usual connection');
  const ticker = setInterval(
    () => console.log(`  … still at it, ${seconds()} s`),
    PROGRESS_INTERVAL_MS,
  );
  const [command, ...leading] = npmCommand();
  try {
    // Named one by one: NODE_ENV=production or a user's npmrc would leave out what we need.
    const kinds = ['--include=dev', '--include=optional', '--no-audit', '--no-fund'];
    await run(command, [...leading, 'ci', ...kinds, '--loglevel=error']);
  } catch (error) {
    fail(
      `Installing the dependencies failed: ${error.message}.`,
      'Look at the lines above; `npm ci` in this directory repeats it.',
    );
  } finally {
    clearInterval(ticker);
  }
  console.log(`✓ dependencies installed in ${seconds()} s`);
}

/** Makes TypeScript runnable, or ends the process with what is missing and the remedy. */
export async function prepare() {
  checkNode();
  checkPlatform();
  if (!dependenciesAreCurrent()) await installDependencies();
}

/** Lets this process import TypeScript from now on. */
export async function enableTypeScript() {
  const { register } = await import('tsx/esm/api');
  register();
}
