import type { Answer } from '../api/contract.ts';
import { toUnreadLines } from './policy.ts';

/** Shown when a value is missing. */
const MISSING = '---';
/** Maximum length of a string in a table cell, in characters. `--json` contains the complete string. */
const ERROR_LENGTH_MAX = 80;
/** Number of retries in the legacy format. */
const RETRIES_MAX = 3;

/**
 * Formats rows as the lines of a table, or as no lines if there are no rows. Each column is as wide as its widest cell, and two
 * spaces separate columns.
 */
export function toTable(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Formats a size in powers of 1,000, as storage vendors do: `512 B`, `1.2 kB`, `3.4 MB`. */
export function toSize(sizeBytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = sizeBytes;
  let unit = 0;
  while (size >= 999.95 && unit < units.length - 1) {
    size /= 1_000;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit] ?? ''}`;
}

/** Formats a count with its noun: `1 export`, `2 exports`, `2 failed exports`. */
export function toExportCount(count: number, kind?: 'failed'): string {
  return `${count}${kind === undefined ? '' : ` ${kind}`} ${count === 1 ? 'export' : 'exports'}`;
}

/** Returns the line about exports that central has lost, if any. Daemons of earlier versions do not report them. */
function toLossLines(lost: Answer<'status'>['lost_by_central'] | undefined) {
  const count = (lost?.queued_again ?? 0) + (lost?.rewound ?? 0);
  if (lost === undefined || count === 0) return [];
  const when = lost.last_reported === null ? '' : `, last reported at ${lost.last_reported}`;
  return [
    [
      'Lost by central',
      `${toExportCount(count)}${when}: ${lost.queued_again} queued again, the records of ${lost.rewound} due in the next export`,
    ] as const,
  ];
}

/** The lines for `GET /export/status`, each a label and a value. */
export function toStatusLines(status: Answer<'status'>): readonly string[] {
  const { queue, destination, schedule, storage } = status;
  const rows: (readonly [string, string])[] = [
    ['Tier', `${status.tier ?? 'unknown'}${status.can_export ? '' : ' (exports are not allowed)'}`],
    ...(status.error ? [['', `${status.error}. ${status.hint ?? ''}`.trimEnd()] as const] : []),
    [
      'Queue',
      `${queue.pending_count} pending, ${queue.uploading_count} uploading, ${queue.completed_count} completed, ${queue.failed_count} failed`,
    ],
    ...(queue.waiting_bytes === undefined ? [] : [['Waiting', toSize(queue.waiting_bytes)] as const]),
    [
      'Central',
      `${destination.state}${destination.since === undefined ? '' : ` since ${destination.since}`}`,
    ],
    ...(destination.explanation === undefined ? [] : [['', destination.explanation] as const]),
    ...(status.ledger?.change ? [['Ledger', `${status.ledger.change.explanation}.`] as const] : []),
    ...toLossLines(status.lost_by_central),
    [
      'Last export',
      status.last_export ? `${status.last_export.queue_id}, ${status.last_export.status}` : MISSING,
    ],
    [
      'Last delivery',
      status.last_delivery
        ? `${status.last_delivery.queue_id} at ${status.last_delivery.completed_at}`
        : MISSING,
    ],
    ...(schedule === undefined
      ? []
      : [
          [
            'Daily export',
            `${String(schedule.daily_hour).padStart(2, '0')}:00 ${schedule.timezone}`,
          ] as const,
        ]),
    ...(storage === undefined
      ? []
      : [
          [
            'Storage',
            `${toSize(storage.free_bytes)} free, ${toSize(storage.exports_bytes)} used by exports`,
          ] as const,
          ...(storage.warning === null || storage.warning === undefined
            ? []
            : [['', storage.warning] as const]),
        ]),
  ];
  return rows.map(([label, value]) => `${(label === '' ? '' : `${label}:`).padEnd(15)}${value}`);
}

/** The lines for `POST /export/generate`. */
export function toGenerateLines(answer: Answer<'generate'>): readonly string[] {
  if (!answer.queued) return [answer.message ?? 'Nothing was queued'];
  const facts = [
    ...(answer.record_count === undefined ? [] : [`${answer.record_count} records`]),
    ...(answer.file_size_bytes === undefined ? [] : [toSize(answer.file_size_bytes)]),
    ...(answer.export_file === undefined ? [] : [answer.export_file]),
  ];
  const ending = facts.length === 0 ? '' : ` (${facts.join(', ')})`;
  return [
    `✓ Export generated and queued: ${answer.queue_id ?? 'unnamed'}${ending}`,
    ...toUnreadLines(answer.unread_categories),
  ];
}

/** The lines for `GET /export/queue`: uploading, pending, failed and completed exports, in that order. */
export function toQueueLines(queue: Answer<'queue'>): readonly string[] {
  const entries = [...queue.uploading, ...queue.pending, ...queue.failed, ...queue.completed];
  if (entries.length === 0) return ['The queue is empty'];
  return toTable(
    ['QUEUE ID', 'STATUS', 'CREATED', 'SIZE', 'RETRIES', 'NEXT RETRY', 'LAST ERROR'],
    entries.map((entry) => [
      entry.queue_id,
      entry.status,
      entry.created_at,
      toSize(entry.file_size_bytes),
      `${Math.min(entry.retry_count, RETRIES_MAX)}/${RETRIES_MAX}`,
      entry.status === 'pending' ? (entry.next_retry_at ?? MISSING) : '',
      toOneLine(entry.last_error ?? ''),
    ]),
  );
}

/** The line for a retried or cancelled entry. */
export function toEntryLines({ entry }: Answer<'retry'>): readonly string[] {
  return [`✓ ${entry.queue_id} is ${entry.status}`];
}

/** The lines for `POST /export/queue/cleanup`. */
export function toCleanupLines(report: Answer<'cleanup'>): readonly string[] {
  const kept =
    report.failed_kept === 0
      ? []
      : [
          `Kept ${toExportCount(report.failed_kept, 'failed')}, because no other export has delivered their records`,
        ];
  return [
    `Removed ${report.completed_removed} delivered and ${report.failed_removed} failed exports, ${toSize(report.freed_bytes)}`,
    ...kept,
  ];
}

/** The lines for `GET /export/history`, newest first. */
export function toHistoryLines(history: Answer<'history'>): readonly string[] {
  if (history.exports.length === 0) return ['No export has been delivered yet'];
  return toTable(
    ['QUEUE ID', 'DELIVERED', 'TYPE', 'RECORDS', 'REJECTED', 'SIZE', 'SENT'],
    history.exports.map((row) => [
      row.queue_id,
      row.completed_at,
      row.export_type ?? MISSING,
      String(row.record_count ?? MISSING),
      String(row.rejected_records?.length ?? MISSING),
      toSize(row.file_size_bytes),
      row.wire_size_bytes === undefined ? MISSING : toSize(row.wire_size_bytes),
    ]),
  );
}

/** The lines for `GET /export/preview`, one for each category. */
export function toPreviewLines(preview: Answer<'preview'>): readonly string[] {
  const categories = Object.entries(preview.categories);
  const table = toTable(
    ['CATEGORY', 'STATE', 'RECORDS', 'SIZE', 'DETAIL'],
    categories.map(([category, found]) => [
      category,
      found.state,
      String(found.count),
      found.size_bytes === undefined ? MISSING : toSize(found.size_bytes),
      toOneLine(found.detail ?? ''),
    ]),
  );
  const redacted = categories.flatMap(([category, found]) =>
    (found.redacted ?? []).map(({ field, reason, count }) => [
      category,
      toOneLine(field),
      reason,
      String(count),
    ]),
  );
  if (redacted.length === 0) return table;
  return [...table, '', ...toTable(['CATEGORY', 'FIELD', 'REMOVED', 'RECORDS'], redacted)];
}

function toOneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= ERROR_LENGTH_MAX ? line : `${line.slice(0, ERROR_LENGTH_MAX - 1)}…`;
}
