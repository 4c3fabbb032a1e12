import { basename, isAbsolute, join, normalize, sep } from 'node:path';
import { type SpoolPaths, toFailedFile } from '../spool/spool-paths.ts';
import { toBoatRoot } from './adopting-boat.ts';

/** A path where a legacy export may exist. `isOurs` is true in the exports folder, to which only export managers write. */
export interface LegacyPlace {
  readonly path: string;
  readonly isOurs: boolean;
}

/** Folders below the root where legacy exporters kept exports. No other folder is searched. */
const LEGACY_FOLDERS = ['data', 'exports'] as const;

/**
 * Returns the paths where the export with queue path `stated` may exist, most likely first: the path itself, the legacy folder
 * for failed exports, and the same name in the current folder, because the root may have been moved. Never returns a path that
 * contains `..` or is outside the boat's data, because being listed in the queue file does not prove that a file is an export.
 */
export function toLegacyPlaces(
  paths: SpoolPaths,
  stated: string,
  queueId: string | undefined,
): readonly LegacyPlace[] {
  const places: LegacyPlace[] = [];
  const add = (path: string): void => {
    const isOurs = isInside(paths.home, path);
    const isReachable =
      isOurs || LEGACY_FOLDERS.some((folder) => isInside(join(toBoatRoot(paths), folder), path));
    if (isReachable && isExportPlace(paths, path)) places.push({ path, isOurs });
  };
  const isClean = !stated.includes('\0') && !stated.split(/[/\\]/).includes('..');
  if (isClean) {
    if (isAbsolute(stated)) add(normalize(stated));
    else for (const folder of [paths.home, toBoatRoot(paths)]) add(join(folder, stated));
  }
  if (queueId !== undefined) add(toFailedFile(paths, queueId));
  if (isClean) add(join(paths.exports, basename(stated)));
  return places;
}

function isInside(folder: string, path: string): boolean {
  return path.startsWith(folder + sep);
}

/** Excludes the queue's own files and quarantined files, which are not exports. */
function isExportPlace(paths: SpoolPaths, path: string): boolean {
  return (
    path.endsWith('.json') &&
    path !== paths.queueFile &&
    path !== paths.historyFile &&
    !isInside(paths.damaged, path)
  );
}
