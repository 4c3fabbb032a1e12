import { type StorageMedium, toStorageWarning } from '../platform/policy/storage-medium.ts';
import { isReserveFree, toMegabytesText } from '../retain/policy.ts';

/** The checks, in the order in which they are reported. */
export const CHECKS = [
  'ledger',
  'entries',
  'files',
  'temporary',
  'damaged',
  'failed',
  'losses',
  'views',
  'space',
  'storage',
  'fsync',
  'credentials',
  'central',
  'sources',
  'clock',
  'licence',
] as const;
export type Check = (typeof CHECKS)[number];

/** `problem`: something is wrong or unsafe. `note`: useful to know, and no action is needed. */
export type Level = 'ok' | 'note' | 'problem';

/** A safe repair, which loses no data, sends nothing, requeues no entry, and removes only unused files. */
export type Repair =
  | { readonly kind: 'remove_temporary'; readonly path: string }
  | { readonly kind: 'adopt'; readonly path: string }
  | { readonly kind: 'rewrite_views' };

/** One result of a check. */
export interface Finding {
  readonly check: Check;
  readonly level: Level;
  readonly message: string;
  readonly hint?: string;
  readonly repair?: Repair;
}

/** How long it takes to stage, fsync and rename a small file. */
export interface FsyncFigure {
  readonly samples: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** Maximum number of findings reported per check. Further findings are only counted. */
const FINDINGS_PER_CHECK_MAX = 20;

/**
 * Threshold for a slow disk. On a slower disk, web pages noticeably wait while a full export is committed. Good SD cards take 5
 * to 30 ms, and worn ones take seconds.
 */
const FSYNC_SLOW_MS = 500;

/** Returns true if no finding is a problem. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ level }) => level !== 'problem');
}

/** Returns the findings, or one `ok` finding if there are none. */
export function orOk(check: Check, findings: readonly Finding[], okMessage: string): readonly Finding[] {
  return findings.length === 0 ? [{ check, level: 'ok', message: okMessage }] : findings;
}

/**
 * Returns the findings in the order of CHECKS, with at most `FINDINGS_PER_CHECK_MAX` per check. The rest are summarised in one
 * finding with the worst level among them.
 */
export function toReportedFindings(findings: readonly Finding[]): readonly Finding[] {
  return CHECKS.flatMap((check) => {
    const own = findings.filter((finding) => finding.check === check);
    const rest = own.slice(FINDINGS_PER_CHECK_MAX);
    if (rest.length === 0) return own;
    const more: Finding = {
      check,
      level: isHealthy(rest) ? 'note' : 'problem',
      message: `${rest.length} more of this kind`,
    };
    return [...own.slice(0, FINDINGS_PER_CHECK_MAX), more];
  });
}

/** Returns the latency percentiles, or undefined if there are no latencies. */
export function toFsyncFigure(latenciesMs: readonly number[]): FsyncFigure | undefined {
  const sorted = [...latenciesMs].sort((one, other) => one - other);
  const at = (share: number): number | undefined =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  const [p50, p95] = [at(0.5), at(0.95)];
  if (p50 === undefined || p95 === undefined) return undefined;
  const round = (value: number): number => Math.round(value * 10) / 10;
  return { samples: sorted.length, p50Ms: round(p50), p95Ms: round(p95) };
}

/** Compares the duration of durable writes with FSYNC_SLOW_MS. */
export function judgeFsync(figure: FsyncFigure): Finding {
  const message = `writing a small file durably takes ${figure.p50Ms} ms (p50), ${figure.p95Ms} ms (p95)`;
  if (figure.p95Ms <= FSYNC_SLOW_MS) return { check: 'fsync', level: 'ok', message };
  return {
    check: 'fsync',
    level: 'note',
    message: `The disk is slow: ${message}`,
    hint: 'A worn SD card slows down before it fails. Copy and replace it. Exports are safe but slow.',
  };
}

/** Number of free inodes below which the doctor reports a finding. An export needs a few, and so do the boat's other services. */
const FREE_INODES_MIN = 1_000;

/** Compares the free space with the reserve, and the free inodes with FREE_INODES_MIN. */
export function judgeSpace(freeBytes: number, reserveBytes: number, freeInodes?: number): Finding {
  if (freeInodes !== undefined && freeInodes < FREE_INODES_MIN)
    return {
      check: 'space',
      level: 'problem',
      message: `Only ${freeInodes} inodes are free. Each file takes one`,
      hint: 'Remove files from this file system. `df -i` shows its inodes. Freeing space does not help.',
    };
  const message = `${toMegabytesText(freeBytes)} free, ${toMegabytesText(reserveBytes)} reserved for the boat's other services`;
  if (isReserveFree(freeBytes, reserveBytes)) return { check: 'space', level: 'ok', message };
  return {
    check: 'space',
    level: 'problem',
    message,
    hint: 'No export is created until there is space. Delete files (camera recordings are usually the largest) or deliver the waiting exports.',
  };
}

/** Reports whether the exports survive a power-off. */
export function judgeStorage(medium: StorageMedium): Finding {
  const warning = toStorageWarning(medium);
  if (warning === undefined)
    return {
      check: 'storage',
      level: 'ok',
      message: `the exports are on one of this computer's disks (${medium.fileSystem} at ${medium.mountPoint})`,
    };
  const { risk, message, hint } = warning;
  return { check: 'storage', level: risk === 'lost' ? 'problem' : 'note', message, hint };
}

/** Checks the permission bits of the device token's file. */
export function judgeCredentialsMode(path: string, mode: number): Finding {
  if ((mode & 0o077) === 0)
    return {
      check: 'credentials',
      level: 'ok',
      message: 'the device token is present, and no other user account can read it',
    };
  return {
    check: 'credentials',
    level: 'problem',
    message: `Other users of this computer can read or change the device token (mode ${mode.toString(8).padStart(4, '0')}), so it is not used`,
    hint: `Run chmod 600 ${path}. The owner must be the export manager's user.`,
  };
}

/**
 * Age from which a temporary file counts as abandoned while a daemon runs. A newer file may still be in use: the daemon's
 * temporary files exist for about a second.
 */
const TEMPORARY_AGE_MIN_MS = 60_000;

/**
 * Returns true for a temporary file that no program is writing. If no daemon is running (`alone`), every temporary file counts as
 * abandoned; otherwise, only an old one does. If the clock was set back, a file looks new and is kept.
 */
export function isLeftBehind(
  modifiedMs: number,
  nowMs: number,
  presence: 'alone' | 'beside_daemon',
): boolean {
  return presence === 'alone' || nowMs - modifiedMs >= TEMPORARY_AGE_MIN_MS;
}

/**
 * The part of a view that is compared with the ledger: which list each entry appears in. Retry counts and times may be outdated.
 */
export type ComparableQueue = readonly string[];

/**
 * Formats an entry for comparison. Pending and uploading count as one state, because entries switch between them more often than
 * the view is written.
 */
export function toComparableEntry(queueId: string, status: string): string {
  return `${status === 'completed' || status === 'failed' ? status : 'waiting'} ${queueId}`;
}

/** Returns the lists of `export_queue.json` as comparable entries, sorted, or undefined if the view is malformed. */
export function toComparableQueue(view: unknown): ComparableQueue | undefined {
  const entries: string[] = [];
  for (const status of ['pending', 'uploading', 'completed', 'failed']) {
    const queueIds = toQueueIds(view, status);
    if (queueIds === undefined) return undefined;
    entries.push(...queueIds.map((queueId) => toComparableEntry(queueId, status)));
  }
  return entries.sort();
}

/** Returns the queue IDs in one of a view's lists, in order, or undefined if the view is malformed. */
export function toQueueIds(view: unknown, key: string): readonly string[] | undefined {
  if (typeof view !== 'object' || view === null) return undefined;
  const list: unknown = Object.entries(view).find(([name]) => name === key)?.[1];
  if (!Array.isArray(list)) return undefined;
  const queueIds: string[] = [];
  for (const item of list as readonly unknown[]) {
    if (
      typeof item !== 'object' ||
      item === null ||
      !('queue_id' in item) ||
      typeof item.queue_id !== 'string'
    )
      return undefined;
    queueIds.push(item.queue_id);
  }
  return queueIds;
}

/** Returns true if both lists contain the same strings in the same order. */
export function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item, at) => item === other[at]);
}
