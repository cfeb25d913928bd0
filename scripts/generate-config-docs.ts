/** Writes docs/configuration.md from the table of settings: `npm run generate:config-docs`. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { renderConfigDocument } from './config-document.js';

const TARGET = path.resolve(import.meta.dirname, '..', 'docs', 'configuration.md');
writeFileSync(TARGET, renderConfigDocument());
console.log('docs/configuration.md written.');
