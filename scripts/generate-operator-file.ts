/** Writes what is published of the operator file's format: `npm run generate:operator-file`. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { renderOperatorFileDocument, renderOperatorFileSchema } from './operator-file-document.js';

const ROOT = path.resolve(import.meta.dirname, '..');
writeFileSync(
  path.join(ROOT, 'schema/operator-file.schema.json'),
  await renderOperatorFileSchema(),
);
writeFileSync(path.join(ROOT, 'docs/operator-file.md'), renderOperatorFileDocument());
console.log('schema/operator-file.schema.json and docs/operator-file.md written.');
