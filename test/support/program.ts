/** Builds tolld once for all end-to-end tests of a run. */
import { rm } from 'node:fs/promises';
import type { TestProject } from 'vitest/node';
import { buildProgram } from './built-program.js';
import { makeScratchDirectory } from './scratch-directory.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The command line, with what it was built into two folders above it. */
    program: string;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = makeScratchDirectory('program');
  project.provide('program', await buildProgram(directory));
  return () => rm(directory, { recursive: true, force: true });
}
