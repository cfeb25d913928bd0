/**
 * Refuses import cycles: `npm run check:imports`. Type imports count too, since two files that need
 * each other's types are one idea cut in the wrong place.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const ROOT = path.resolve(import.meta.dirname, '..');
const FOLDERS = ['src', 'schema', 'test', 'bench', 'scripts'];

function sourceFiles(): string[] {
  return FOLDERS.filter((folder) => existsSync(path.join(ROOT, folder))).flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => path.join(folder, file)),
  );
}

function importsOf(file: string): string[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return ts
    .preProcessFile(text, true, true)
    .importedFiles.map((imported) => imported.fileName)
    .filter((name) => name.startsWith('.'))
    .map((name) => path.join(path.dirname(file), name).replace(/\.js$/, '.ts'));
}

/** Each cycle once, as the files along it, found by a depth-first walk. */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const finished = new Set<string>();
  const trail: string[] = [];

  function visit(file: string): void {
    const start = trail.indexOf(file);
    if (start !== -1) {
      cycles.push([...trail.slice(start), file]);
      return;
    }
    if (finished.has(file)) return;
    trail.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    trail.pop();
    finished.add(file);
  }

  for (const file of graph.keys()) visit(file);
  return cycles;
}

const graph = new Map(sourceFiles().map((file) => [file, importsOf(file)]));
const cycles = findCycles(graph);
for (const cycle of cycles) console.error(`import cycle: ${cycle.join(' -> ')}`);
if (cycles.length > 0) {
  console.error('Move what both need into a file of its own, or pass it as a dependency.');
  process.exitCode = 1;
} else {
  console.log(`No import cycle in ${graph.size} files.`);
}
