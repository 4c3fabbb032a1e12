// Builds the boat's page into packages/boat/dist/page, from which the boat serves it (decision 0034): one HTML file, one script, one
// style sheet, and a file of texts for each language. `npm run check` checks the types.
import { buildSync } from 'esbuild';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const source = join(root, 'packages', 'pages', 'src', 'boat');
const target = join(root, 'packages', 'boat', 'dist', 'page');

const { outputFiles } = buildSync({
  entryPoints: { boat: join(source, 'main.tsx') },
  bundle: true,
  platform: 'browser',
  // The script is loaded in the head and sets the theme before the first frame, so it must not be a module, which is deferred.
  format: 'iife',
  target: ['chrome110', 'firefox110', 'safari16'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  minify: true,
  charset: 'utf8',
  outdir: target,
  logLevel: 'warning',
  write: false,
});
mkdirSync(target, { recursive: true });
for (const { path, text } of outputFiles) replace(basename(path), text);
replace('index.html', readFileSync(join(source, 'index.html'), 'utf8'));
const texts = join(root, 'packages', 'pages', 'src', 'i18n', 'texts');
for (const name of readdirSync(texts))
  replace(`texts-${name}`, JSON.stringify(JSON.parse(readFileSync(join(texts, name), 'utf8'))));

/** A daemon may be serving the file, so it is replaced by a rename, and only if it differs. */
function replace(name, text) {
  const file = join(target, name);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  writeFileSync(`${file}.tmp`, text);
  renameSync(`${file}.tmp`, file);
}
