import { basename, join } from 'node:path';

/** Paths below `$ROOT/data/exports`. The folders are the same as the legacy exporter's. */
export interface SpoolPaths {
  /** `$ROOT/data/exports`: the ledger and its views. */
  readonly home: string;
  /** Folder for the files of waiting and delivered exports. */
  readonly exports: string;
  /** Folder for the files of failed entries, which are kept until other exports have delivered their records. */
  readonly failed: string;
  /** Folder for quarantined files, which are kept for manual examination. */
  readonly damaged: string;
  readonly ledger: string;
  /** The private key that signs offline bundles. */
  readonly bundleKey: string;
  /** The device token obtained by enrolling with a code. */
  readonly credentials: string;
  /** The device token of an enrolment that central has not confirmed. */
  readonly pendingCredentials: string;
  /** The boat's access to its Signal K server. */
  readonly signalkAccess: string;
  /** A file that becomes the ledger's WAL when the disk is full, so that the ledger can be opened. */
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
    bundleKey: join(home, 'bundle_key.pem'),
    credentials: join(home, 'export-credentials.json'),
    pendingCredentials: join(home, 'export-credentials.pending.json'),
    signalkAccess: join(home, 'signalk-access.json'),
    ballast: join(home, 'ballast'),
    queueFile: join(home, 'export_queue.json'),
    historyFile: join(home, 'export_history.json'),
  };
}

/** Returns the path of a failed entry's file, named as the legacy exporter did. */
export function toFailedFile(paths: SpoolPaths, queueId: string): string {
  return join(paths.failed, `${queueId}_failed.json`);
}

/**
 * Returns true for the name of a finished export file: `export_YYYYMMDD_HHMMSS.json`, with a suffix `_2`, `_3` … for further
 * files in the same second.
 */
export function isExportFileName(name: string): boolean {
  return /^export_[0-9]{8}_[0-9]{6}(_[0-9]{1,6})?\.json$/.test(name) && basename(name) === name;
}
