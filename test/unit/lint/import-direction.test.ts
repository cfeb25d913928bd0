import path from 'node:path';
import { Linter } from 'eslint';
import { describe, expect, test } from 'vitest';
import { importDirection } from '../../../scripts/lint/import-direction.js';

/** What the rule says about one import in a file, or nothing. */
function faultOf(options: { readonly file: string; readonly source: string }): string | undefined {
  const linter = new Linter({ cwd: process.cwd() });
  const messages = linter.verify(
    `import '${options.source}';`,
    [
      {
        files: ['**/*.ts'],
        plugins: { house: { rules: { 'import-direction': importDirection } } },
        rules: { 'house/import-direction': 'error' },
      },
    ],
    path.resolve(options.file),
  );
  return messages[0]?.message;
}

describe('the direction of imports', () => {
  test.each([
    ['src/diameter/gy.ts', '../domain/units.js'],
    ['src/diameter/gy.ts', './codec.js'],
    ['src/diameter/server.ts', 'node:net'],
    ['src/credit-control/session.ts', '../charging/charge.js'],
    ['src/outbox/flusher.ts', '../charging/event-codec.js'],
    ['src/management/balances/grant.ts', '../../charging/provisioning.js'],
    ['src/records/rated-events.ts', '../../schema/records.js'],
    ['src/charging/client.ts', 'ioredis'],
    ['src/recovery/verify.ts', '../records/account-proof.js'],
    ['src/recovery/verify.ts', '../charging/snapshot.js'],
    ['src/node.ts', './records/migrate.js'],
    ['src/local/stack.ts', '../config.js'],
    ['test/unit/x.test.ts', '../../src/records/migrate.js'],
  ])('%s may import %s', (file, source) => {
    expect(faultOf({ file, source })).toBeUndefined();
  });

  test.each([
    ['src/domain/units.ts', '../observability/logger.js', 'domain may import no other folder'],
    ['src/domain/units.ts', 'node:fs', 'touches nothing outside the process'],
    ['src/diameter/gy.ts', '../credit-control/session.js', 'take a CreditControlHandler'],
    ['src/diameter/gy.ts', '../radius/codec.js', 'may import domain, observability, not radius'],
    ['src/radius/server.ts', 'ioredis', 'may use no package, not ioredis'],
    ['src/rating/charge.ts', '../charging/charge.js', 'rating is pure'],
    ['src/steering/dispatcher.ts', '../diameter/server.js', 'take a SteeringSender'],
    ['src/outbox/flusher.ts', '../charging/charge.js', 'charging/stream.ts'],
    ['src/outbox/flusher.ts', '../records/sink.js', 'take the sink as a dependency'],
    ['src/management/balances/grant.ts', '../../charging/charge.js', 'by an intent'],
    ['src/records/rated-events.ts', 'ioredis', 'records knows Postgres only'],
    ['src/charging/charge.ts', '../config.js', 'node.ts passes them'],
    ['src/api/server.ts', '../settings.js', 'node.ts passes them'],
    ['src/brand-new/thing.ts', '../domain/units.js', 'has no row'],
    ['schema/records.ts', '../src/records/sink.js', 'tables are declarations'],
  ])('%s may not import %s and is told: %s', (file, source, reason) => {
    expect(faultOf({ file, source })).toContain(reason);
  });
});
