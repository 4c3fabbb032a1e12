// Runs the static checks: types, purity of policies, lint, imports between modules, format.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const checks: readonly (readonly [name: string, command: readonly string[]])[] = [
  ['types', ['tsc', '-p', 'tsconfig.json']],
  ['types of the pages', ['tsc', '-p', 'packages/pages/tsconfig.json']],
  ['purity of policies and protocol', ['tsc', '-p', 'tsconfig.pure.json']],
  ['lint', ['eslint', '--max-warnings=0', '.']],
  ['imports', ['node', '--conditions=development', 'scripts/check-imports.ts']],
  [
    'format',
    [
      'prettier',
      '--check',
      '--cache',
      '--cache-location=node_modules/.cache/prettier',
      '--log-level=warn',
      '.',
    ],
  ],
];

let failed = 0;
for (const [name, [program = '', ...args]] of checks) {
  const { status } = spawnSync(join(root, 'node_modules', '.bin', program), args, {
    cwd: root,
    stdio: 'inherit',
  });
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  if (status !== 0) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
