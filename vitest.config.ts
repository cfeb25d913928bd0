import { defineConfig } from 'vitest/config';

/** Redis and Postgres are servers of their own: on two cores more workers only wait for them. */
const WORKERS = 2;

/**
 * With `--mode branches` the integration tests run on scripts that count which way they go
 * (scripts/branches.ts); e2e tests always run on the scripts as they are.
 */
const isCounting = (mode: string): boolean => mode === 'branches';

/** With `--mode mutant-<n>` they run on scripts with a fault in them (scripts/mutants.ts). */
function mutantOf(mode: string): number | null {
  const match = /^mutant-(\d+)$/.exec(mode);
  return match === null ? null : Number(match[1]);
}

export default defineConfig(({ mode }) => ({
  test: {
    pool: 'forks',
    maxWorkers: WORKERS,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 10_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          globalSetup: [
            'test/support/servers.ts',
            ...(isCounting(mode) ? ['test/branches/collection.ts'] : []),
          ],
          setupFiles: [
            ...(isCounting(mode) ? ['test/branches/counting.ts'] : []),
            ...(mutantOf(mode) !== null ? ['test/mutants/mutating.ts'] : []),
          ],
          provide: { mutant: mutantOf(mode) ?? -1 },
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/support/servers.ts', 'test/support/program.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
}));
