import { basename, join } from 'node:path';
import { toNumberedName } from '../ledger/labels.ts';
import type { World } from '../platform/ports.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';

/** The file could not be used. It is now at `path`, unchanged, where it can be examined. */
export interface Quarantined {
  readonly kind: 'quarantined';
  readonly path: string;
  readonly reason: string;
}

/**
 * Moves a file to the quarantine folder under its own name, or under a numbered one if the name is taken. Never overwrites
 * another file. If a power cut interrupts the move, calling it again completes the move.
 */
export async function quarantineFile(
  { disk, log }: Pick<World, 'disk' | 'log'>,
  paths: SpoolPaths,
  path: string,
  reason: string,
): Promise<Quarantined> {
  await disk.makeDirectory(paths.damaged);
  for (let attempt = 1; ; attempt += 1) {
    const target = join(paths.damaged, toNumberedName(basename(path), attempt));
    const there = await disk.stat(target);
    const isHere = there !== undefined && there.fileNo === (await disk.stat(path))?.fileNo;
    if (there !== undefined && !isHere) continue;
    // A power cut interrupted an earlier move, leaving the file under both names.
    if (isHere) await disk.remove(path);
    else await disk.move(path, target);
    log.write('warn', `Quarantined ${basename(path)}: ${reason}`, { kept_at: target });
    return { kind: 'quarantined', path: target, reason };
  }
}
