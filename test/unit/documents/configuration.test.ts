import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderConfigDocument } from '../../../scripts/config-document.js';

test('docs/configuration.md is what the table of settings says', () => {
  expect(readFileSync('docs/configuration.md', 'utf8'), 'run `npm run generate:config-docs`').toBe(
    renderConfigDocument(),
  );
});
