/**
 * Runs before each test file of a run that counts (`vitest --mode branches`): the engines that the
 * file makes get the library with counters, and servers of its own are asked before they go.
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { inject, vi } from 'vitest';
import type * as loader from '../../src/charging/script-loader.js';
import type * as instances from '../support/redis-instance.js';
import { countsOf, readCountedScripts } from './counted-scripts.js';
import type {} from './collection.js';

vi.mock('../../src/charging/script-loader.js', async (importOriginal) => {
  const original = await importOriginal<typeof loader>();
  const { scripts } = readCountedScripts(original);
  // A test that reads the scripts in its own way gets them so.
  const readScripts: typeof original.readScripts = (read) =>
    read === undefined ? scripts : original.readScripts(read);
  return { ...original, readScripts };
});

vi.mock('../support/redis-instance.js', async (importOriginal) => {
  const original = await importOriginal<typeof instances>();
  const startRedisInstance: typeof original.startRedisInstance = async (options) => {
    const own = await original.startRedisInstance(options);
    /** What it counted goes with its process. */
    const counted = async (end: () => Promise<void>): Promise<void> => {
      const counts = await countsOf(own.url, inject('countedLibrary'));
      const file = path.join(inject('countsDirectory'), `${randomUUID()}.json`);
      writeFileSync(file, JSON.stringify(counts));
      await end();
    };
    return {
      ...own,
      kill: () => counted(own.kill),
      stop: () => counted(own.stop),
      remove: () => counted(own.remove),
    };
  };
  return { ...original, startRedisInstance };
});
