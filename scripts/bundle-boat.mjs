// Makes packages/boat/dist/main.js: the boat's program and the libraries it uses, in one file (decision 0023).
// A module of its own for each of their 700 files costs 15 MB and half of a command's time; whether types are right is
// for `npm run check` to say.
import { buildSync } from 'esbuild';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const boat = join(import.meta.dirname, '..', 'packages', 'boat');
const target = join(boat, 'dist', 'main.js');

const { outputFiles } = buildSync({
  entryPoints: [join(boat, 'src', 'main.ts')],
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // What of ours it imports is taken from its sources as well.
  conditions: ['development'],
  // Names and lines stay as they are written: a stack in the journal is read by a person.
  minify: false,
  logLevel: 'warning',
  write: false,
});
const [{ text }] = outputFiles;
// Programs may be running from it: it is replaced only where it differs, and whole.
if (!existsSync(target) || readFileSync(target, 'utf8') !== text) {
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(`${target}.tmp`, text);
  renameSync(`${target}.tmp`, target);
}
