import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

/** Text of every source file that ships, generated ones left out. */
function sources(): readonly string[] {
  return readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.includes('generated'))
    .map((file) => readFileSync(path.join('src', file), 'utf8'));
}

function namesIn(texts: readonly string[], pattern: RegExp): readonly string[] {
  const names = texts.flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1] ?? ''));
  return [...new Set(names)].sort();
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
});
