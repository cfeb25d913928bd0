import { defineConfig } from 'eslint/config';
import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';
import { fileName } from './scripts/lint/file-name.js';
import { importDirection } from './scripts/lint/import-direction.js';

const house = { rules: { 'file-name': fileName, 'import-direction': importDirection } };

const RESTRICTED_SYNTAX = [
  { selector: 'ExportDefaultDeclaration', message: 'Export by name: a default export has none.' },
  {
    selector: 'ExportAllDeclaration',
    message: 'Import from the file that defines the thing: barrels hide where it lives.',
  },
  {
    selector: 'TSEnumDeclaration',
    message: "Use an `as const` array and a union type: enums don't erase.",
  },
  {
    selector: 'TSParameterProperty',
    message: "Declare the field and assign it: parameter properties don't erase.",
  },
];

const BEHAVIOUR_TITLES = {
  selector:
    'CallExpression[callee.name=/^(it|test|describe)$/] > Literal.arguments:first-child[value=/\\bshould\\b/i]',
  message: 'Say what happens: "refuses a stale profile", not "should refuse".',
};

const ENVIRONMENT = {
  object: 'process',
  property: 'env',
  message:
    'Only src/config.ts reads the environment: add a setting there and take it as an option.',
};

export default defineConfig(
  {
    ignores: ['dist/', 'coverage/', '.tolld/', '**/generated/', 'node_modules/', 'web/'],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  eslint.configs.recommended,
  {
    plugins: { house },
    rules: {
      'house/file-name': 'error',
      'no-restricted-syntax': ['error', ...RESTRICTED_SYNTAX],
      eqeqeq: 'error',
      'prefer-const': 'error',
      'object-shorthand': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      'house/import-direction': 'error',
      'no-restricted-properties': ['error', ENVIRONMENT],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'node:process', importNames: ['env', 'default'], message: ENVIRONMENT.message },
            { name: 'process', message: ENVIRONMENT.message },
          ],
        },
      ],
      'no-console': 'error',
      // A promise nobody waits for is a lost charge.
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // An async function without an await still turns a throw into a rejection.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    // The one place that reads the environment.
    files: ['src/config.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  {
    // Programs that talk to a person.
    files: ['src/main.ts', 'src/cli/**', 'src/local/**', 'scripts/**', 'bench/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      'no-restricted-syntax': ['error', ...RESTRICTED_SYNTAX, BEHAVIOUR_TITLES],
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // A tool reads these by their default export.
    files: ['*.config.{js,ts}'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.{js,mjs}'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        Buffer: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        AbortController: 'readonly',
        fetch: 'readonly',
      },
    },
  },
);
