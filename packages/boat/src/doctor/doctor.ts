import { basename } from 'node:path';
import { adoptFile } from '../recovery/adopt.ts';
import { quarantineFile } from '../recovery/quarantine-file.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { writeViews } from '../views/views.ts';
import type { World } from '../platform/ports.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import {
  examineCredentials,
  examineFsync,
  examineSettings,
  examineSources,
  examineSpace,
  examineStorage,
  type BoatToExamine,
} from './examine-boat.ts';
import { examineFailures, examineLedgerChanges, examineLedgerFile, examineViews } from './examine-ledger.ts';
import { examineDamaged, examineEntries, examineFiles, examineTemporary } from './examine-spool.ts';
import type { Finding, FsyncFigure, Repair } from './policy.ts';

/** The doctor's findings and repairs. */
export interface DoctorReport {
  /** All findings. After a repair, these are from the second examination. */
  readonly findings: readonly Finding[];
  /** One sentence per repair. Empty unless a repair was requested. */
  readonly repaired: readonly string[];
  readonly fsync: FsyncFigure | undefined;
  readonly freeBytes: number;
  readonly reserveBytes: number;
}

export interface DoctorDeps extends BoatToExamine {
  readonly world: Pick<World, 'clock' | 'disk' | 'databases' | 'random' | 'log' | 'storageMedium'>;
  readonly paths: SpoolPaths;
  /** Undefined if the ledger cannot be opened. The checks that need it are then skipped. */
  readonly ledger: Ledger | undefined;
  /** Whether a daemon is currently using the same files. */
  readonly presence: 'alone' | 'beside_daemon';
}

/**
 * Compares the ledger with the spool's files and checks the disk, the configuration and the clock. Changes nothing, except that
 * it writes and removes a few small files to measure the disk. The caller must ensure that no export runs at the same time.
 * Throws a disk error if a folder cannot be read, because an unknown state does not count as healthy.
 */
export async function examine(deps: DoctorDeps): Promise<DoctorReport> {
  const { world, paths, ledger, presence, signal } = deps;
  const findings: Finding[] = [await examineLedgerFile(world, paths, ledger)];
  if (ledger !== undefined) {
    const spool = { world, paths, ledger, presence, signal };
    findings.push(
      ...(await examineEntries(spool)),
      ...(await examineFiles(spool)),
      ...examineLedgerChanges(ledger),
      ...examineFailures(ledger),
      ...(await examineViews(world, paths, ledger, presence, signal)),
    );
  }
  findings.push(...(await examineTemporary(deps)), ...(await examineDamaged(deps)));
  const space = await examineSpace(deps, paths.home);
  findings.push(space.finding, ...(await examineStorage(deps, paths.home)));
  const isSpoolThere = (await world.disk.stat(paths.exports)) !== undefined;
  const fsync = isSpoolThere ? await examineFsync(deps, paths.exports) : undefined;
  if (fsync !== undefined) findings.push(fsync.finding);
  findings.push(
    await examineCredentials(deps),
    ...(await examineSources(deps)),
    ...(await examineSettings(deps)),
  );
  return {
    findings,
    repaired: [],
    fsync: fsync?.figure,
    freeBytes: space.freeBytes,
    reserveBytes: space.reserveBytes,
  };
}

/**
 * Carries out and reports the safe repairs, and examines the boat again. Removes abandoned temporary files, adopts files without
 * an entry or quarantines them unchanged, and rewrites the views. Requeues, fails and removes no entry.
 */
export async function repair(deps: DoctorDeps): Promise<DoctorReport> {
  const before = await examine(deps);
  const repaired: string[] = [];
  let areViewsWritten = false;
  for (const { repair: wanted } of before.findings) {
    deps.signal.throwIfAborted();
    if (wanted === undefined || deps.ledger === undefined) continue;
    // One repair writes both views.
    if (wanted.kind === 'rewrite_views' && areViewsWritten) continue;
    if (wanted.kind === 'rewrite_views') areViewsWritten = true;
    const done = await applyRepair(deps, deps.ledger, wanted);
    repaired.push(done);
    deps.world.log.write('info', `Repaired: ${done}`);
  }
  if (repaired.length === 0) return before;
  // The adopted file is now in the ledger, but not yet in the views.
  if (deps.ledger !== undefined) await writeViews(deps.world, deps.paths, deps.ledger, 'both');
  return { ...(await examine(deps)), repaired };
}

async function applyRepair(deps: DoctorDeps, ledger: Ledger, wanted: Repair): Promise<string> {
  const { world, paths } = deps;
  switch (wanted.kind) {
    case 'remove_temporary':
      await world.disk.remove(wanted.path);
      return `removed the temporary file ${basename(wanted.path)}`;
    case 'rewrite_views':
      await writeViews(world, paths, ledger, 'both');
      return 'rewrote export_queue.json and export_history.json';
    case 'adopt': {
      const name = basename(wanted.path);
      const adoption = await adoptFile(world, paths, ledger, wanted.path);
      switch (adoption.kind) {
        case 'adopted':
          return `adopted ${name} as ${adoption.entry.queueId}; it is waiting for delivery`;
        case 'quarantined':
          return `quarantined ${name}: ${adoption.reason}`;
        case 'known':
          if ((await world.disk.stat(wanted.path)) === undefined) return `${name} was already known`;
          await quarantineFile(world, paths, wanted.path, 'another file contains the same export');
          return `quarantined ${name}: another file contains the same export`;
        case 'postponed':
          return `could not adopt ${name} now: ${adoption.reason}`;
        default:
          return adoption satisfies never;
      }
    }
    default:
      return wanted satisfies never;
  }
}
