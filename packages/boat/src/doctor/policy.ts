/** What is looked at, in the order it is told. */
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
  'fsync',
  'credentials',
  'central',
  'clock',
  'licence',
] as const;
export type Check = (typeof CHECKS)[number];

/** `problem`: something is wrong or unsafe. `note`: worth knowing; nothing has to be done. */
export type Level = 'ok' | 'note' | 'problem';

/** What may be mended without losing or delivering anything: nothing is requeued, and only what nobody uses is removed. */
export type Repair =
  | { readonly kind: 'remove_temporary'; readonly path: string }
  | { readonly kind: 'adopt'; readonly path: string }
  | { readonly kind: 'rewrite_views' };

/** One thing that was found. */
export interface Finding {
  readonly check: Check;
  readonly level: Level;
  readonly message: string;
  readonly hint?: string;
  readonly repair?: Repair;
}

/** How long a small file took to be on the card, staged, fsynced and renamed. */
export interface FsyncFigure {
  readonly samples: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** Findings told one by one per check; further ones are counted. */
const FINDINGS_PER_CHECK_MAX = 20;

/** Slower than this, a full export's commit is felt in the pages; good cards take 5 to 30 ms, worn ones seconds. */
const FSYNC_SLOW_MS = 500;

/** Healthy: no problem is left. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ level }) => level !== 'problem');
}

/** A check's findings, or one that says it is well. */
export function orOk(check: Check, findings: readonly Finding[], wellMessage: string): readonly Finding[] {
  return findings.length === 0 ? [{ check, level: 'ok', message: wellMessage }] : findings;
}

/** The findings in the order of CHECKS; of each check so many as a person reads, the rest counted under its worst level. */
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

/** The figure of some latencies; undefined where there are none. */
export function toFsyncFigure(latenciesMs: readonly number[]): FsyncFigure | undefined {
  const sorted = [...latenciesMs].sort((one, other) => one - other);
  const at = (share: number): number | undefined =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  const [p50, p95] = [at(0.5), at(0.95)];
  if (p50 === undefined || p95 === undefined) return undefined;
  const round = (value: number): number => Math.round(value * 10) / 10;
  return { samples: sorted.length, p50Ms: round(p50), p95Ms: round(p95) };
}

export function judgeFsync(figure: FsyncFigure): Finding {
  const message = `a small file is durable within ${figure.p50Ms} ms (p50), ${figure.p95Ms} ms (p95)`;
  if (figure.p95Ms <= FSYNC_SLOW_MS) return { check: 'fsync', level: 'ok', message };
  return {
    check: 'fsync',
    level: 'note',
    message: `The card is slow: ${message}`,
    hint: 'A worn SD card does this before it fails: copy it and replace it. Exports are safe meanwhile, only slow.',
  };
}

export function judgeSpace(freeBytes: number, reserveBytes: number): Finding {
  const megabytes = (sizeBytes: number): string => `${Math.floor(sizeBytes / 1_000_000)} MB`;
  const message = `${megabytes(freeBytes)} free, ${megabytes(reserveBytes)} are kept for the boat`;
  if (freeBytes >= reserveBytes) return { check: 'space', level: 'ok', message };
  return {
    check: 'space',
    level: 'problem',
    message,
    hint: 'No export is made until there is room. Free space (recordings are usually the largest) or deliver what waits.',
  };
}

/** Judges the file with the device token, by its permission bits; its content was read before. */
export function judgeCredentialsMode(mode: number): Finding {
  if ((mode & 0o077) === 0)
    return {
      check: 'credentials',
      level: 'ok',
      message: 'the device token is there, readable by its owner only',
    };
  return {
    check: 'credentials',
    level: 'problem',
    message: `Other users of this boat may read the device token (mode ${mode.toString(8).padStart(4, '0')})`,
    hint: 'chmod 600 config/export-credentials.json, owned by the user the export manager runs as.',
  };
}

/** Youngest temporary file in a folder where the daemon writes at this moment that counts as left behind: its own last a second. */
const TEMPORARY_AGE_MIN_MS = 60_000;

/**
 * True for a temporary file that nobody writes any more. With nobody else at work (`alone`) every one is; beside a running
 * daemon only one that is old. A clock that was set back makes it young, and it stays.
 */
export function isLeftBehind(
  modifiedMs: number,
  nowMs: number,
  presence: 'alone' | 'beside_daemon',
): boolean {
  return presence === 'alone' || nowMs - modifiedMs >= TEMPORARY_AGE_MIN_MS;
}

/** What of a view is compared with the ledger: who is in which list. Retry counts and times are as old as the last write. */
export type ComparableQueue = readonly string[];

/** Pending and uploading count as one: who is being sent changes more often than the view. */
export function toComparableEntry(queueId: string, status: string): string {
  return `${status === 'completed' || status === 'failed' ? status : 'waiting'} ${queueId}`;
}

/** The lists of `export_queue.json` as comparable entries, sorted; undefined where it has another form. */
export function toComparableQueue(view: unknown): ComparableQueue | undefined {
  const entries: string[] = [];
  for (const status of ['pending', 'uploading', 'completed', 'failed']) {
    const queueIds = toQueueIds(view, status);
    if (queueIds === undefined) return undefined;
    entries.push(...queueIds.map((queueId) => toComparableEntry(queueId, status)));
  }
  return entries.sort();
}

/** The queue ids in one list of a view, in its order; undefined where it has another form. */
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

/** True where two lists hold the same in the same order. */
export function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item, at) => item === other[at]);
}
