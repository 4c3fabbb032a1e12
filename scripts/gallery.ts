// Builds the gallery of the pages' components into .artifacts/gallery: `node --conditions=development scripts/gallery.ts`. The
// file opens in any browser. Neither a boat nor central serves it.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const root = join(import.meta.dirname, '..');
const source = join(root, 'packages', 'pages', 'src', 'gallery');
const target = join(root, '.artifacts', 'gallery');

mkdirSync(target, { recursive: true });
buildSync({
  entryPoints: { gallery: join(source, 'main.tsx') },
  bundle: true,
  platform: 'browser',
  format: 'iife',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  outdir: target,
  logLevel: 'warning',
});
copyFileSync(join(source, 'index.html'), join(target, 'index.html'));
console.log(join(target, 'index.html'));
