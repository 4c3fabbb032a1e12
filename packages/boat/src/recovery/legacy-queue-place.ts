import { basename, isAbsolute, join, normalize, sep } from 'node:path';
import { type SpoolPaths, toFailedFile } from '../spool/spool-paths.ts';
import { toBoatRoot } from './adopting-boat.ts';

/** Where an old queue's export may be. `isOurs`: in the exports folder, which only export managers write. */
export interface LegacyPlace {
  readonly path: string;
  readonly isOurs: boolean;
}

/** Folders below the boat's root that old exports have been kept in. The others hold what must never be read as one. */
const LEGACY_FOLDERS = ['data', 'exports'] as const;

/**
 * The places to look for an export that an old queue says is at `stated`, the likeliest first: there; where the old
 * exporter put it when it failed; under its name in today's folder, because boats were moved to other roots. A path
 * with `..` in it, and one outside of the boat's data, is never touched: the queue file is not proof of whose it is.
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

/** The queue's own files, and those set aside for a person, are no exports. */
function isExportPlace(paths: SpoolPaths, path: string): boolean {
  return (
    path.endsWith('.json') &&
    path !== paths.queueFile &&
    path !== paths.historyFile &&
    !isInside(paths.damaged, path)
  );
}
