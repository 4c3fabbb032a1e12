import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hasProgram, numberOf, parseObject, REPOSITORY, runChild } from './child.ts';

/** The legacy exporter, a Python program. It is measured if its scripts are next to the checkout and Python 3 is installed. */
export interface Baseline {
  /** Runs one full export of a boatlog into `output`. */
  collect(
    database: string,
    output: string,
  ): Promise<{
    readonly rows: number;
    readonly rowsPerSecond: number;
    readonly peakRssMb: number;
    readonly sizeBytes: number;
  }>;
  /** Measures the full queue cycles per second with `depth` waiting entries. */
  cyclesPerSecond(depth: number, cycles: number): Promise<number>;
}

/** Why there is no baseline, for use as a figure's note. */
export type NoBaseline = { readonly missing: string };

/**
 * Searches for `shared/baseline` next to the checkout and in its parent folders. The scripts create temporary folders in
 * `folder`.
 */
export function findBaseline(folder: string, signal: AbortSignal): Baseline | NoBaseline {
  const scripts = findUpwards(REPOSITORY, join('shared', 'baseline', 'collect.py'));
  if (scripts === undefined) return { missing: 'baseline not present' };
  if (!hasProgram('python3')) return { missing: 'baseline not run: no python3' };
  const run = async (script: string, args: readonly string[]) =>
    parseObject(
      await runChild(['python3', join(scripts, script), ...args], {
        signal,
        environment: { TMPDIR: folder, PYTHONDONTWRITEBYTECODE: '1' },
      }),
    );
  return {
    collect: async (database, output) => {
      const result = await run('collect.py', [database, output]);
      return {
        rows: numberOf(result, 'rows'),
        rowsPerSecond: numberOf(result, 'rows_per_s'),
        peakRssMb: numberOf(result, 'peak_rss_mb'),
        sizeBytes: numberOf(result, 'bytes'),
      };
    },
    cyclesPerSecond: async (depth, cycles) =>
      numberOf(await run('queue_cycle.py', [String(depth), String(cycles)]), 'cycles_per_s'),
  };
}

/** Searches `start` and then its parent folders for the path `relative`, and returns the folder of the first match. */
function findUpwards(start: string, relative: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, relative))) return dirname(join(folder, relative));
    if (folder === dirname(folder)) return undefined;
  }
}
