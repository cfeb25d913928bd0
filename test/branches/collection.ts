/** Of a run that counts: gathers what every server counted into one file, for who judges it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import * as loader from '../../src/charging/script-loader.js';
import { addCounts, countsOf, readCountedScripts, type Counts } from './counted-scripts.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where files that had servers of their own leave what those counted. */
    countsDirectory: string;
    /** Name of the library with counters. */
    countedLibrary: string;
  }
}

/** What the last run counted. */
export const COUNTS_FILE = path.resolve(import.meta.dirname, '../../coverage/scripts.json');

/** Comes behind the set-up of the servers, so that they are still there when this ends. */
export function setup(project: TestProject): () => Promise<void> {
  const { name } = readCountedScripts(loader).scripts.library;
  const directory = mkdtempSync(path.join(tmpdir(), 'tolld-branches-'));
  project.provide('countsDirectory', directory);
  project.provide('countedLibrary', name);
  return async () => {
    const own = readdirSync(directory).map(
      (file) => JSON.parse(readFileSync(path.join(directory, file), 'utf8')) as Counts,
    );
    const shared = await countsOf(project.getProvidedContext().redisUrl, name);
    mkdirSync(path.dirname(COUNTS_FILE), { recursive: true });
    writeFileSync(COUNTS_FILE, JSON.stringify(addCounts([...own, shared])));
    rmSync(directory, { recursive: true, force: true });
  };
}
