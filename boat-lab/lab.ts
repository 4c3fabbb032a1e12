import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Processes } from '../tests/support/processes.ts';
import { buildPackage, makeCard } from './boat-card.ts';
import { type BoatSystem, buildBoatSystem } from './boat-system.ts';
import { type Builder, openBuilder } from './builder.ts';
import type { Lab } from './life.ts';
import { startShore } from './shore.ts';

export type { Lab } from './life.ts';

/** Everything needed to emulate a machine like a Raspberry Pi. */
export interface Emulator {
  readonly builder: Builder;
  readonly system: BoatSystem;
  readonly processes: Processes;
  /** A temporary folder for card images and the machines. */
  readonly folder: string;
  report(line: string): void;
}

/** Prepares the builder and the boat's system from the cache. Everything except the cache ends with `processes`. */
export async function openEmulator(processes: Processes, report: (line: string) => void): Promise<Emulator> {
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
  return { builder, system, processes, folder, report };
}

/** Prepares everything that a run's lives share: the emulator, a card from the cache, and a running central. */
export async function openLab(processes: Processes, report: (line: string) => void): Promise<Lab> {
  const { builder, system, folder } = await openEmulator(processes, report);
  report('building the package');
  const debianPackage = await buildPackage(join(folder, 'package'));
  const card = await makeCard({ builder, system, debianPackage, scratch: folder, report });
  const shore = await startShore(processes, card.folder);
  return { builder, system, card, shore, processes, folder, report };
}
