import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ESLint } from 'eslint';
import { createWorkingCopy } from '../mutation/working-copy.ts';
import {
  BOAT_MODULES,
  CENTRAL_MODULES,
  checkImports,
  type ImportViolation,
  type ModuleRule,
  NO_CYCLE,
  NO_TEST_CODE,
  OUTSIDE_WORLD,
  PACKAGES,
  PAGES_MODULES,
  PAGES_TYPES,
} from './architecture.ts';
import { toCells, toSection } from './docs.ts';

const root = join(import.meta.dirname, '..');
const PROGRAMS = [
  { name: 'boat', heading: 'Modules of the boat', modules: BOAT_MODULES },
  { name: 'central', heading: 'Modules of central', modules: CENTRAL_MODULES },
  { name: 'pages', heading: 'Modules of the pages', modules: PAGES_MODULES },
] as const;

type Rules = Readonly<Record<string, Required<ModuleRule>>>;

/** Reads the module table in a section of architecture.md: `| module | contains | imports |`. */
function readModuleTable(heading: string): Rules {
  const page = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8');
  const rows = toCells(toSection(page, heading)).flatMap(([module = '', , imports = '']) => {
    const name = /^`([a-z0-9-]+)\/`$/.exec(module)?.[1];
    return name === undefined ? [] : [[name, parseImports(imports)] as const];
  });
  return Object.fromEntries(rows);
}

function parseImports(cell: string): Required<ModuleRule> {
  const names = cell.split(', ').filter((name) => name !== '');
  const isTypeOnly = (name: string): boolean => name.endsWith(' (types)');
  return {
    imports: names.filter((name) => !isTypeOnly(name)),
    types: names.filter(isTypeOnly).map((name) => name.replace(' (types)', '')),
  };
}

describe('architecture.md', () => {
  for (const { name, heading, modules } of PROGRAMS)
    test(`lists the modules of ${name} and the imports that the check allows`, () => {
      const rules: Readonly<Record<string, ModuleRule>> = modules;
      const table = readModuleTable(heading);
      assert.deepEqual(Object.keys(table), Object.keys(rules));
      for (const [module, { imports, types = [] }] of Object.entries(rules)) {
        assert.deepEqual(new Set(table[module]?.imports), new Set(imports), module);
        assert.deepEqual(new Set(table[module]?.types), new Set(types), `types of ${module}`);
      }
      const source = join(root, 'packages', name, 'src');
      const folders = globSync('*/**/*.{ts,tsx}', { cwd: source }).map((file) => file.split('/')[0] ?? '');
      assert.deepEqual(
        new Set(folders.filter((folder) => folder !== 'testing')),
        new Set(Object.keys(rules)),
        'every folder is a module of the table',
      );
    });

  for (const { name, modules } of PROGRAMS)
    test(`orders the modules of ${name} so that each imports only modules above it`, () => {
      const rules: Readonly<Record<string, ModuleRule>> = modules;
      const isFile = (place: string): boolean =>
        existsSync(join(root, 'packages', name, 'src', `${place}.ts`));
      const above = new Set<string>();
      for (const [module, { imports, types = [] }] of Object.entries(rules)) {
        for (const other of [...imports, ...types])
          assert.ok(above.has(other) || isFile(other), `${module} imports ${other}, which is not above it`);
        above.add(module);
      }
    });
});

/** A file with one import that either violates a rule or is allowed by every rule. */
interface Planted {
  readonly file: string;
  readonly text: string;
  /** Undefined if the import is allowed. */
  readonly rule: string | undefined;
}

function plantModuleImports(program: string, table: Rules): readonly Planted[] {
  const source = join(root, 'packages', program, 'src');
  const toTarget = (module: string): string => {
    const [file] = globSync(`${module}/*.{ts,tsx}`, { cwd: source }).filter(
      (name) => !name.endsWith('.test.ts'),
    );
    return file ?? assert.fail(`${module} has no source file`);
  };
  return Object.entries(table).flatMap(([module, { imports, types }]) =>
    Object.keys(table)
      .filter((other) => other !== module)
      .flatMap((other) => {
        const target = `'../${toTarget(other)}'`;
        const isAllowed = imports.includes(other);
        return [
          {
            file: `packages/${program}/src/${module}/planted-value-${other}.ts`,
            text: `export * from ${target};\n`,
            rule: isAllowed ? undefined : `${program}/${module} values`,
          },
          {
            file: `packages/${program}/src/${module}/planted-type-${other}.ts`,
            text: `export type * from ${target};\n`,
            rule: isAllowed || types.includes(other) ? undefined : `${program}/${module} types`,
          },
        ];
      }),
  );
}

/** Returns a source file of a package, directly in its `src/`. */
function firstSource(name: string): string {
  const [file] = globSync('*.ts', { cwd: join(root, 'packages', name, 'src') }).filter(
    (source) => !source.endsWith('.test.ts'),
  );
  return file ?? assert.fail(`${name} has no source file`);
}

function plantPackageImports(): readonly Planted[] {
  const names = Object.keys(PACKAGES).filter((name) => name !== 'pages');
  return names.flatMap((name) =>
    names
      .filter((other) => other !== name)
      .map((other) => ({
        file: `packages/${name}/src/planted-package-${other}.ts`,
        text: `export type * from '../../${other}/src/${firstSource(other)}';\n`,
        rule: PACKAGES[name]?.includes(other) === true ? undefined : `package ${name}`,
      })),
  );
}

const OTHER_PLANTED: readonly Planted[] = [
  {
    file: 'packages/pages/src/boat/planted-contract.ts',
    text: "export { ROUTES } from '../../../boat/src/api/contract.ts';\n",
    rule: PAGES_TYPES,
  },
  {
    file: 'packages/pages/src/boat/planted-manager.ts',
    text: "export type * from '../../../boat/src/export-manager.ts';\n",
    rule: 'package pages',
  },
  {
    file: 'packages/boat/src/deliver/planted-manager.ts',
    text: "export type * from '../export-manager.ts';\n",
    rule: 'boat/deliver types',
  },
  {
    file: 'packages/boat/src/http/planted-boat.ts',
    text: "export * from '../boat.ts';\n",
    rule: 'boat/http values',
  },
  {
    file: 'packages/boat/src/license/planted-disk.ts',
    text: "export { readFileSync } from 'node:fs';\n",
    rule: OUTSIDE_WORLD,
  },
  {
    file: 'packages/central/src/import/planted-database.ts',
    text: "export { Pool } from 'pg';\n",
    rule: OUTSIDE_WORLD,
  },
  {
    file: 'packages/boat/src/platform/planted-disk.ts',
    text: "export { readFileSync } from 'node:fs';\n",
    rule: undefined,
  },
  {
    file: 'packages/boat/src/license/planted-test-code.ts',
    text: "export * from '../testing/temporary-root.ts';\n",
    rule: NO_TEST_CODE,
  },
  {
    file: 'packages/protocol/src/planted-cycle-a.ts',
    text: "export type * from './planted-cycle-b.ts';\n",
    rule: NO_CYCLE,
  },
];

describe('the check of imports', () => {
  test('accepts this checkout and reads its files', async () => {
    const { fileCount, violations } = await checkImports(root);
    assert.deepEqual(violations, []);
    assert.ok(fileCount > 300, `${fileCount} files`);
  });

  test('finds a planted violation of every rule and accepts allowed imports', async (t) => {
    const copy = createWorkingCopy(root);
    t.after(() => copy.remove());
    const planted = [
      ...PROGRAMS.flatMap(({ name, heading }) => plantModuleImports(name, readModuleTable(heading))),
      ...plantPackageImports(),
      ...OTHER_PLANTED,
    ];
    for (const { file, text } of planted) copy.write(file, text);
    // The import that closes the cycle from planted-cycle-a. The check reports a cycle at one of its files.
    copy.write('packages/protocol/src/planted-cycle-b.ts', "export type * from './planted-cycle-a.ts';\n");
    const found = new Map<string, ImportViolation[]>();
    for (const violation of (await checkImports(copy.root)).violations)
      found.set(violation.from, [...(found.get(violation.from) ?? []), violation]);
    assert.ok(planted.filter(({ rule }) => rule !== undefined).length > 100);
    for (const { file, rule } of planted) {
      // A planted import that violates the order may also close a cycle.
      const rules = (found.get(file) ?? [])
        .map((violation) => violation.rule)
        .filter((name) => name !== NO_CYCLE || rule === NO_CYCLE);
      assert.deepEqual([...new Set(rules)], rule === undefined ? [] : [rule], file);
    }
  });
});

const MANY_LINES = (count: number): string => '  void 0;\n'.repeat(count);

/** Code that lint rejects, by the violated rule. */
const LINTED: readonly (readonly [rule: string, code: string])[] = [
  ['no-restricted-globals', 'setTimeout(() => undefined, 1);\n'],
  ['no-restricted-globals', 'setInterval(() => undefined, 1);\n'],
  ['no-restricted-globals', 'setImmediate(() => undefined);\n'],
  ['no-restricted-globals', 'export const x = fetch;\n'],
  ['no-restricted-globals', 'export const x = process.pid;\n'],
  ['no-restricted-syntax', 'export const x = Date.now();\n'],
  ['no-restricted-syntax', 'export const x = new Date();\n'],
  ['no-restricted-syntax', 'export const x = Math.random();\n'],
  ['no-restricted-syntax', 'export default 1;\n'],
  ['no-restricted-syntax', 'export enum X { a }\n'],
  ['max-lines-per-function', `export function x(): void {\n${MANY_LINES(69)}}\n`],
  ['max-lines', '// A line.\n'.repeat(401)],
  ['@typescript-eslint/no-floating-promises', 'Promise.resolve(1);\n'],
  ['@typescript-eslint/no-explicit-any', 'export const x = (y: any): unknown => y;\n'],
  ['@typescript-eslint/no-non-null-assertion', 'export const x = (y?: string): string => y!;\n'],
  [
    '@typescript-eslint/switch-exhaustiveness-check',
    "export function x(y: 'a' | 'b'): void {\n  switch (y) {\n    case 'a':\n  }\n}\n",
  ],
  ['@typescript-eslint/only-throw-error', "export function x(): never {\n  throw 'x';\n}\n"],
];

test('lint rejects each piece of planted code by its rule and accepts the longest allowed function and file', async (t) => {
  const copy = createWorkingCopy(root);
  t.after(() => copy.remove());
  const folder = 'packages/boat/src/license';
  LINTED.forEach(([, code], index) => copy.write(`${folder}/planted-${index}.ts`, code));
  copy.write(`${folder}/planted-fine.ts`, `export function x(): void {\n${MANY_LINES(68)}}\n`);
  copy.write(`${folder}/planted-long.ts`, '// A line.\n'.repeat(400));
  const eslint = new ESLint({ cwd: copy.root, overrideConfigFile: join(copy.root, 'eslint.config.js') });
  const results = await eslint.lintFiles([`${folder}/planted-*.ts`]);
  const toRules = (name: string): readonly (string | null)[] =>
    results.find(({ filePath }) => filePath.endsWith(`/${name}`))?.messages.map(({ ruleId }) => ruleId) ??
    assert.fail(`${name} was not linted`);
  LINTED.forEach(([rule], index) =>
    assert.deepEqual(toRules(`planted-${index}.ts`), [rule], `planted-${index}.ts`),
  );
  assert.deepEqual(toRules('planted-fine.ts'), []);
  assert.deepEqual(toRules('planted-long.ts'), []);
});
