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
  examineSpace,
  type BoatToExamine,
} from './examine-boat.ts';
import { examineFailures, examineLedgerFile, examineViews } from './examine-ledger.ts';
import { examineDamaged, examineEntries, examineFiles, examineTemporary } from './examine-spool.ts';
import type { Finding, FsyncFigure, Repair } from './policy.ts';

/** What was found, and what was done about it. */
export interface DoctorReport {
  /** All of them; after a repair, as it is then. */
  readonly findings: readonly Finding[];
  /** What was repaired, each in a sentence; empty unless that was asked for. */
  readonly repaired: readonly string[];
  readonly fsync: FsyncFigure | undefined;
  readonly freeBytes: number;
  readonly reserveBytes: number;
}

export interface DoctorDeps extends BoatToExamine {
  readonly world: Pick<World, 'clock' | 'disk' | 'databases' | 'random' | 'log'>;
  readonly paths: SpoolPaths;
  /** Undefined where none can be opened: then only what needs none is looked at. */
  readonly ledger: Ledger | undefined;
  /** Whether the daemon works on the same files at this moment. */
  readonly presence: 'alone' | 'beside_daemon';
}

/**
 * Compares the ledger with the files of the spool and looks at what they need of the boat. Nothing is changed but a few
 * small files that are written and removed to measure the card. The caller sees to it that no export is made meanwhile.
 * Throws what the disk throws where folders cannot be read: unknown is not healthy.
 */
export async function examine(deps: DoctorDeps): Promise<DoctorReport> {
  const { world, paths, ledger, presence, signal } = deps;
  const findings: Finding[] = [await examineLedgerFile(world, paths)];
  if (ledger !== undefined) {
    const spool = { world, paths, ledger, presence, signal };
    findings.push(
      ...(await examineEntries(spool)),
      ...(await examineFiles(spool)),
      ...examineFailures(ledger),
      ...(await examineViews(world, paths, ledger, presence, signal)),
    );
  }
  findings.push(...(await examineTemporary(deps)), ...(await examineDamaged(deps)));
  const space = await examineSpace(deps, paths.home);
  findings.push(space.finding);
  const isSpoolThere = (await world.disk.stat(paths.exports)) !== undefined;
  const fsync = isSpoolThere ? await examineFsync(deps, paths.exports) : undefined;
  if (fsync !== undefined) findings.push(fsync.finding);
  findings.push(await examineCredentials(deps), ...(await examineSettings(deps)));
  return {
    findings,
    repaired: [],
    fsync: fsync?.figure,
    freeBytes: space.freeBytes,
    reserveBytes: space.reserveBytes,
  };
}

/**
 * Mends what is safe to mend, says what it did, and looks again. Temporary files nobody writes are removed, files without
 * an entry are adopted (or set aside, whole), views are written anew. No entry is requeued, failed or removed.
 */
export async function repair(deps: DoctorDeps): Promise<DoctorReport> {
  const before = await examine(deps);
  const repaired: string[] = [];
  let areViewsWritten = false;
  for (const { repair: wanted } of before.findings) {
    deps.signal.throwIfAborted();
    if (wanted === undefined || deps.ledger === undefined) continue;
    // Both views are written at once.
    if (wanted.kind === 'rewrite_views' && areViewsWritten) continue;
    if (wanted.kind === 'rewrite_views') areViewsWritten = true;
    const done = await mend(deps, deps.ledger, wanted);
    repaired.push(done);
    deps.world.log.write('info', `Repaired: ${done}`);
  }
  if (repaired.length === 0) return before;
  // An adopted file is in the ledger now, and not yet in the views that were compared before.
  if (deps.ledger !== undefined) await writeViews(deps.world, deps.paths, deps.ledger, 'both');
  return { ...(await examine(deps)), repaired };
}

async function mend(deps: DoctorDeps, ledger: Ledger, wanted: Repair): Promise<string> {
  const { world, paths } = deps;
  switch (wanted.kind) {
    case 'remove_temporary':
      await world.disk.remove(wanted.path);
      return `removed the temporary file ${basename(wanted.path)}`;
    case 'rewrite_views':
      await writeViews(world, paths, ledger, 'both');
      return 'wrote export_queue.json and export_history.json anew';
    case 'adopt': {
      const name = basename(wanted.path);
      const adoption = await adoptFile(world, paths, ledger, wanted.path);
      switch (adoption.kind) {
        case 'adopted':
          return `adopted ${name} as ${adoption.entry.queueId}; it waits for delivery`;
        case 'quarantined':
          return `set aside ${name}: ${adoption.reason}`;
        case 'known':
          if ((await world.disk.stat(wanted.path)) === undefined) return `${name} said what is known`;
          await quarantineFile(world, paths, wanted.path, 'another file holds the same export');
          return `set aside ${name}: another file holds the same export`;
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
