import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { MALFORMATIONS } from '../../../src/radius/packet.js';

/** Text of every source file that ships, generated ones left out. */
function sources(): readonly string[] {
  return readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('generated'))
    .map((file) => readFileSync(path.join('src', file), 'utf8'));
}

function source(file: string): string {
  return readFileSync(path.join('src', file), 'utf8');
}

function namesIn(texts: readonly string[], pattern: RegExp): readonly string[] {
  const names = texts.flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1] ?? ''));
  return [...new Set(names)].sort();
}

/** Names in backquotes in the first column of the table under a heading. */
function tabled(document: string, heading: string): readonly string[] {
  const [, section = ''] = readFileSync(document, 'utf8').split(`\n## ${heading}\n`);
  const [table = ''] = section.split('\n## ');
  const cells = [...table.matchAll(/^\| (`.*?) \|/gm)].map((match) => match[1] ?? '');
  return namesIn(cells, /`([^`]+)`/g);
}

/** The first column of a document's tables, where it holds a name in backquotes. */
function documented(document: string): readonly string[] {
  return namesIn([readFileSync(document, 'utf8')], /^\| `([^`]+)`/gm);
}

describe('the documents', () => {
  test('docs/errors.md lists every error code of the source, and no other', () => {
    const codes = namesIn(sources(), /\bcode(?:: string)? = '(TOLLD_[A-Z0-9_]+)'/g);
    expect(codes.length).toBeGreaterThan(5);
    expect(documented('docs/errors.md')).toEqual(codes);
  });

  test('docs/metrics.md lists every metric of the source, and no other', () => {
    const metrics = namesIn(sources(), /\bname: '(tolld_[a-z0-9_]+)'/g);
    expect(metrics.length).toBeGreaterThan(3);
    expect(documented('docs/metrics.md').filter((name) => name.startsWith('tolld_'))).toEqual(
      metrics,
    );
  });

  test('docs/access.md has every reason for which RADIUS gives no answer, and no other', () => {
    const [, declared = ''] =
      /type DropReason =([^;]+);/.exec(source('radius/request-pipeline.ts')) ?? [];
    const [, verdicts = ''] =
      /readonly why:([^;]+);/.exec(source('radius/request-verifier.ts')) ?? [];
    const counted = namesIn(sources(), /dropped\.inc\(\{ reason: '([a-z-]+)'/g);
    const reasons = new Set([
      ...MALFORMATIONS,
      ...namesIn([declared, verdicts], /^\s*\|? ?'([a-z-]+)'/gm),
      ...namesIn([declared, verdicts], /\| '([a-z-]+)'/g),
      ...counted,
    ]);
    expect(tabled('docs/access.md', 'No answer')).toEqual([...reasons].sort());
  });
});
