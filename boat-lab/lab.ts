import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Processes } from '../tests/support/processes.ts';
import { buildPackage, makeCard } from './boat-card.ts';
import { buildBoatSystem } from './boat-system.ts';
import { openBuilder } from './builder.ts';
import type { Lab } from './life.ts';
import { startShore } from './shore.ts';

export type { Lab } from './life.ts';

/**
 * Prepares everything that a run's lives share: the builder, the boat's system and its card from the cache, and a running
 * central. Everything except the cache ends with `processes`.
 */
export async function openLab(processes: Processes, report: (line: string) => void): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'd3kos-boat-lab-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // This also runs after an unhandled error.
  process.once('exit', remove);
  processes.atEnd(() => {
    remove();
    process.removeListener('exit', remove);
  });
  const builder = await openBuilder(report);
  const system = await buildBoatSystem(builder, report);
  report('building the package');
  const debianPackage = await buildPackage(join(folder, 'package'));
  const card = await makeCard({ builder, system, debianPackage, scratch: folder, report });
  const shore = await startShore(processes, card.folder);
  return { builder, system, card, shore, processes, folder, report };
}
