// Bundles the boat's program and its libraries into packages/boat/dist/main.js (decision 0023). Loading them as 700 separate
// modules takes 15 MB more memory and makes commands take twice as long. `npm run check` checks the types.
import { buildSync } from 'esbuild';
import { join } from 'node:path';
import { replaceFile } from './replace-file.mjs';

const boat = join(import.meta.dirname, '..', 'packages', 'boat');
const target = join(boat, 'dist', 'main.js');

const { outputFiles } = buildSync({
  entryPoints: [join(boat, 'src', 'main.ts')],
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // Imports of this repository's packages resolve to their sources.
  conditions: ['development'],
  // Names and lines are kept, so that stack traces in the journal are readable.
  minify: false,
  logLevel: 'warning',
  write: false,
});
const [{ contents }] = outputFiles;
replaceFile(target, contents);
