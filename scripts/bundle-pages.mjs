// Builds the two pages (decisions 0034 and 0039): the boat's page into packages/boat/dist/page and the Fleet page into
// packages/central/dist/page, from which the boat and central serve them. Each page consists of an HTML file, a script, a style
// sheet and a file with the texts of each language. The Fleet page also includes the land shapes for its map. `npm run check`
// checks the types.
import { buildSync } from 'esbuild';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { replaceFile } from './replace-file.mjs';

const packages = join(import.meta.dirname, '..', 'packages');
const require = createRequire(join(packages, 'pages', 'package.json'));

const boat = join(packages, 'boat', 'dist', 'page');
buildPage('boat', boat);
copyTexts('texts', boat);
const fleet = join(packages, 'central', 'dist', 'page');
buildPage('fleet', fleet);
copyTexts('fleet-texts', fleet);
for (const [name, source] of [
  ['land.json', 'land-110m.json'],
  ['coast.json', 'land-50m.json'],
])
  replaceFile(join(fleet, name), readFileSync(require.resolve(`world-atlas/${source}`)));

function buildPage(name, target) {
  const source = join(packages, 'pages', 'src', name);
  const { outputFiles } = buildSync({
    entryPoints: { [name]: join(source, 'main.tsx') },
    bundle: true,
    platform: 'browser',
    // The script is loaded in the head and sets the theme before the first frame. It must not be a module, because modules are
    // deferred.
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
  for (const { path, contents } of outputFiles) replaceFile(join(target, basename(path)), contents);
  replaceFile(join(target, 'index.html'), readFileSync(join(source, 'index.html')));
}

/** Copies each language's texts without the white space in the source. */
function copyTexts(source, target) {
  const folder = join(packages, 'pages', 'src', 'i18n', source);
  for (const name of readdirSync(folder))
    replaceFile(
      join(target, `texts-${name}`),
      JSON.stringify(JSON.parse(readFileSync(join(folder, name), 'utf8'))),
    );
}
