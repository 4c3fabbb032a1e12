import { basename, join } from 'node:path';

/** Where exports are kept on the card. The seed's folders. */
export interface SpoolPaths {
  /** `$ROOT/data/exports`: the ledger and its views. */
  readonly home: string;
  /** Export files that wait or were delivered. */
  readonly exports: string;
  /** Files of failed entries, kept until their records are delivered. */
  readonly failed: string;
  /** Files that could not be understood, kept for a person. */
  readonly damaged: string;
  readonly ledger: string;
  /** A file that is given up when the card is full, so that the ledger can be opened. */
  readonly ballast: string;
  readonly queueFile: string;
  readonly historyFile: string;
}

export function toSpoolPaths(root: string): SpoolPaths {
  const home = join(root, 'data', 'exports');
  return {
    home,
    exports: join(home, 'exports'),
    failed: join(home, 'failed_exports'),
    damaged: join(home, 'damaged'),
    ledger: join(home, 'exports.db'),
    ballast: join(home, 'ballast'),
    queueFile: join(home, 'export_queue.json'),
    historyFile: join(home, 'export_history.json'),
  };
}

/** Where a failed entry's file goes (the seed's name). */
export function toFailedFile(paths: SpoolPaths, queueId: string): string {
  return join(paths.failed, `${queueId}_failed.json`);
}

/** True for the name of a finished export file: `export_YYYYMMDD_HHMMSS.json`, with `_2`, `_3` … within one second. */
export function isExportFileName(name: string): boolean {
  return /^export_[0-9]{8}_[0-9]{6}(_[0-9]{1,6})?\.json$/.test(name) && basename(name) === name;
}
