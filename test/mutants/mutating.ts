/**
 * Runs before each test file of a run with one mutant (`vitest --mode mutant-<n>`): the engines that
 * the file makes get the scripts with that fault in them.
 */
import { inject, vi } from 'vitest';
import type * as loader from '../../src/charging/script-loader.js';
import { mutated, readMutants } from './mutants.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Place of the mutant among those of {@link readMutants}. */
    mutant: number;
  }
}

vi.mock('../../src/charging/script-loader.js', async (importOriginal) => {
  const original = await importOriginal<typeof loader>();
  const mutant = readMutants()[inject('mutant')];
  if (mutant === undefined) throw new Error('there is no such mutant');
  const faulty: loader.LuaReader = (file) => {
    const lua = original.readLuaFile(file);
    return file === mutant.file ? mutated(mutant, lua) : lua;
  };
  const readScripts: typeof original.readScripts = (read) => original.readScripts(read ?? faulty);
  return { ...original, readScripts };
});
