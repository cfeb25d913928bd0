/**
 * Refuses documentation that names a file which isn't there: `npm run check:docs`. A path is what
 * stands in backquotes or a link and begins with a top-level entry of the repository. What a run
 * makes (dist/, .tolld/) isn't looked for; `<name>`, `*` and `NNNN` make it a pattern, not a path.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');
const SKIPPED = new Set(['node_modules', 'dist', '.tolld', '.git', 'coverage']);
const MADE_BY_A_RUN = /^(dist|\.tolld|coverage|node_modules)(\/|$)/;
const PATTERN = /[<>*{}…]|NNNN|\.\.\./;

function documents(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const relative = path.join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : documents(relative);
    return entry.name.endsWith('.md') ? [relative] : [];
  });
}

function isRepositoryPath(text: string): boolean {
  const first = text.split('/')[0] ?? '';
  return text.includes('/') && /^[\w.@-]+$/.test(first) && existsSync(path.join(ROOT, first));
}

/** Paths named in backquotes, with what follows the path (`#anchor`, `:12`) cut off. */
function quotedPaths(line: string): string[] {
  return [...line.matchAll(/`([^`\s]+)`/g)]
    .map((match) => (match[1] ?? '').replace(/^\.\//, '').replace(/[#:].*$/, ''))
    .filter(isRepositoryPath);
}

/** Link targets inside the repository, relative to the document. */
function linkedPaths(line: string, document: string): string[] {
  return [...line.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => (match[1] ?? '').replace(/#.*$/, ''))
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
    .map((target) => path.normalize(path.join(path.dirname(document), target)));
}

function faultsOf(document: string): string[] {
  const lines = readFileSync(path.join(ROOT, document), 'utf8').split('\n');
  return lines.flatMap((line, index) =>
    [...quotedPaths(line), ...linkedPaths(line, document)]
      .filter((named) => !PATTERN.test(named) && !MADE_BY_A_RUN.test(named))
      .filter((named) => !existsSync(path.join(ROOT, named)))
      .map((named) => `${document}:${index + 1} names ${named}, which does not exist`),
  );
}

const all = documents('.');
const faults = all.flatMap(faultsOf);
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
else console.log(`All paths named in ${all.length} documents exist.`);
