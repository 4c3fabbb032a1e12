import regexp from 'eslint-plugin-regexp';
import tseslint from 'typescript-eslint';

// scripts/check-imports.ts checks the imports between modules. This file contains the rules for the code itself.

const WORLD_GLOBALS = [
  { name: 'setTimeout', message: 'Sleep through the Clock port.' },
  { name: 'setInterval', message: 'Sleep through the Clock port.' },
  { name: 'setImmediate', message: 'Use clock.yield().' },
  { name: 'fetch', message: 'Use the Transport port.' },
  { name: 'process', message: 'Only main.ts and platform/ touch the process.' },
];
const CODE_SYNTAX = [
  { selector: 'TSEnumDeclaration', message: 'Use a union of string literals.' },
  { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
];
const WORLD_SYNTAX = [
  {
    selector: "MemberExpression[object.name='Date'][property.name='now']",
    message: 'Use clock.wall() or clock.monotonic().',
  },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Use clock.wall().' },
  {
    selector: "MemberExpression[object.name='Math'][property.name='random']",
    message: 'Use the Random port.',
  },
];

/**
 * Maximum length of a function and a file, including comments and blank lines. In test files, functions have no limit, because a
 * suite is one function.
 */
const FUNCTION_LINES_MAX = 70;
const FILE_LINES_MAX = 400;

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '.demo/**',
      '.artifacts/**',
      '**/*.mjs',
      '**/bin/*.js',
      'eslint.config.js',
    ],
  },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.base],
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './packages/pages/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['test', 'it', 'describe', 'suite'], package: 'node:test' },
          ],
        },
      ],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      'max-lines': ['error', { max: FILE_LINES_MAX }],
      'max-lines-per-function': ['error', { max: FUNCTION_LINES_MAX }],
      'no-restricted-syntax': ['error', ...CODE_SYNTAX],
    },
  },
  {
    files: ['packages/{protocol,boat,central}/src/**/*.ts'],
    ignores: ['packages/*/src/platform/**', 'packages/*/src/main.ts', '**/*.test.ts', '**/testing/**'],
    rules: {
      'no-restricted-globals': ['error', ...WORLD_GLOBALS],
      'no-restricted-syntax': ['error', ...CODE_SYNTAX, ...WORLD_SYNTAX],
    },
  },
  {
    // Patterns are applied to text from sources, pages, proxies and boats. Their time must grow with the length of the text.
    files: ['packages/{protocol,boat,central}/src/**/*.ts'],
    ignores: ['**/*.test.ts', '**/testing/**'],
    plugins: { regexp },
    rules: {
      'regexp/no-super-linear-backtracking': ['error', { report: 'potential' }],
      'regexp/no-super-linear-move': ['error', { report: 'potential', ignoreSticky: false }],
    },
  },
  {
    files: ['**/*.test.ts', '**/testing/**/*.ts', '**/contract/**/*.ts', 'tests/**/*.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
);
