import { basename } from 'node:path';
import type { Answer } from './api/contract.ts';
import { describeSendHold } from './deliver/policy/data-budget.ts';
import { describeDestination } from './deliver/policy/destination-state.ts';
import { describeLedgerChange } from './deliver/policy/divergence.ts';
import type { DoctorReport } from './doctor/doctor.ts';
import { isHealthy, toReportedFindings } from './doctor/policy.ts';
import type { Enrolled } from './enroll/enrolment.ts';
import type { ManagerEvent } from './events.ts';
import type {
  ExportFileFacts,
  ExportManager,
  NotificationReport,
  Preview,
  QueuedOrNothingNew,
  ScheduledResult,
  Status,
} from './export-manager.ts';
import { describeUnread } from './create-export/policy.ts';
import type { Entry, EntryStatus, ExportType, HistoryRow, QueueCounts } from './ledger/entry.ts';
import type { LedgerChange } from './ledger/ledger-changes.ts';
import { toLegacyTime } from './ledger/labels.ts';
import { toHistoryView, toQueueView } from './views/views.ts';
import { toStorageWarning } from './platform/policy/storage-medium.ts';
import type { WallMs } from './platform/ports.ts';
import type { CleanupReport } from './retain/retention.ts';

/*
 * Converts the export manager's results into local API answers. Each function returns a type from the API contract, so the
 * compiler checks the conversion.
 */

/** The answer to `GET /export/status`. Unknown values are null. */
export function toStatusAnswer(status: Status, port: number, nowMs: WallMs): Answer<'status'> {
  const refusal = status.license.kind === 'refused' ? status.license : undefined;
  const { destination, dataBudget } = status;
  const budget: Answer<'status'>['data_budget'] = {
    state: dataBudget.hold ?? 'affordable',
    detail: describeSendHold(dataBudget.hold),
    month_bytes: dataBudget.monthBytes,
    month_bytes_max: dataBudget.monthBytesMax ?? null,
  };
  return {
    success: true,
    service: 'd3kos-export-manager',
    port,
    tier: status.tier ?? null,
    can_export: status.canExport,
    error: refusal?.message ?? null,
    ...(refusal === undefined ? {} : { code: refusal.code, hint: refusal.hint }),
    installation_id: status.license.kind === 'known' ? status.license.installationId : null,
    queue: { ...toCountKeys(status.counts), waiting_bytes: status.waitingBytes },
    destination: {
      state: destination.state,
      since: toLegacyTime(destination.sinceWallMs),
      detail: destination.detail,
      explanation: describeDestination(destination),
      cause: destination.cause ?? null,
    },
    thrift: budget,
    data_budget: budget,
    ledger: { ledger_id: status.ledger.ledgerId, change: toLedgerChange(status.ledger.change) },
    lacking: status.lacking ?? null,
    last_export: status.lastExport === undefined ? null : toQueuedExport(status.lastExport),
    last_delivery: status.lastDelivery === undefined ? null : toHistoryView(status.lastDelivery),
    delivered: {
      export_count: status.delivered.exportCount,
      record_count: status.delivered.recordCount,
    },
    lost_by_central: {
      queued_again: status.missing.requeued,
      rewound: status.missing.rewound,
      last_reported:
        status.missing.lastReportedAtMs === undefined ? null : toLegacyTime(status.missing.lastReportedAtMs),
    },
    schedule: {
      daily_hour: status.schedule.dailyHour,
      timezone: status.schedule.timeZone,
      owed_slot: status.schedule.owedSlot ?? null,
    },
    storage: {
      free_bytes: status.storage.freeBytes,
      total_bytes: status.storage.totalBytes,
      exports_bytes: status.storage.exportsBytes,
      ...toMediumKeys(status.storage.medium),
      reserve_bytes: status.storage.reserveBytes,
    },
    categories: status.categories,
    time: toLegacyTime(nowMs),
  };
}

function toMediumKeys(medium: Status['storage']['medium']) {
  const warning = medium === undefined ? undefined : toStorageWarning(medium);
  return {
    medium: medium?.kind ?? null,
    file_system: medium?.fileSystem ?? null,
    warning: warning?.message ?? null,
  };
}

function toLedgerChange(change: LedgerChange | undefined): Answer<'status'>['ledger']['change'] {
  if (change === undefined) return null;
  return {
    at: toLegacyTime(change.atMs),
    former_ledger_id: change.oldLedgerId,
    reason: change.reason,
    renumbered_exports: change.renumberedCount,
    full_export_due: !change.hasFullExport,
    explanation: describeLedgerChange(change),
  };
}

/** The answer to `GET /health`. */
export function toHealthAnswer(version: string, nowMs: WallMs): Answer<'health'> {
  return { service: 'd3kos-export-manager', status: 'ok', version, time: toLegacyTime(nowMs) };
}

/** The event stream's heartbeat. */
export function toHeartbeat(nowMs: WallMs): ManagerEvent {
  return { kind: 'heartbeat', time: toLegacyTime(nowMs) };
}

/** The answer to `GET /export/queue/status`. */
export function toQueueStatusAnswer(
  counts: QueueCounts,
  nextPending: Entry | undefined,
  nowMs: WallMs,
): Answer<'queueStatus'> {
  return {
    ...toCountKeys(counts),
    next_pending: nextPending === undefined ? null : toQueueView(nextPending),
    last_updated: toLegacyTime(nowMs),
  };
}

function toCountKeys(counts: QueueCounts) {
  return {
    pending_count: counts.pending,
    uploading_count: counts.uploading,
    completed_count: counts.completed,
    failed_count: counts.failed,
  };
}

/** Returns a queue entry, including the fields that the legacy format lacks. */
function toQueuedExport(entry: Entry): Answer<'queue'>['pending'][number] {
  const { recordCount, exportType, trigger } = entry;
  return { ...toQueueView(entry), record_count: recordCount, export_type: exportType, trigger };
}

/** The answer to `GET /export/queue`. */
export function toQueueAnswer(lists: Readonly<Record<EntryStatus, readonly Entry[]>>): Answer<'queue'> {
  return {
    success: true,
    version: '1.0',
    pending: lists.pending.map(toQueuedExport),
    uploading: lists.uploading.map(toQueuedExport),
    completed: lists.completed.map(toQueuedExport),
    failed: lists.failed.map(toQueuedExport),
  };
}

/** The answer to `POST /export/queue/{id}/retry` and `DELETE /export/queue/{id}`. */
export function toEntryAnswer(entry: Entry): Answer<'retry'> {
  return { success: true, entry: toQueuedExport(entry) };
}

/** The answer to `GET /export/history`. */
export function toHistoryAnswer(rows: readonly HistoryRow[]): Answer<'history'> {
  return { success: true, version: '1.0', exports: rows.map(toHistoryView) };
}

/** The answer to `POST /export/generate` for every trigger except `scheduled`. */
export function toGenerateAnswer(result: QueuedOrNothingNew): Answer<'generate'> {
  if (result.kind === 'nothing_new')
    return { success: true, queued: false, message: 'Nothing new since the last export; nothing was queued' };
  const { entry, unread } = result;
  const missing = describeUnread(unread);
  return {
    success: true,
    queued: true,
    export_file: basename(entry.exportFile),
    queue_id: entry.queueId,
    export_id: entry.exportId,
    export_type: entry.exportType,
    record_count: entry.recordCount,
    file_size_bytes: entry.fileSizeBytes,
    tier: entry.tier,
    ...(missing === undefined ? {} : { unread_categories: unread }),
    message: `Export generated and added to queue${missing === undefined ? '' : `, but ${missing}`}`,
  };
}

/** The answer to `POST /export/generate` for the trigger `scheduled`. */
export function toScheduledAnswer(result: ScheduledResult): Answer<'generate'> {
  switch (result.kind) {
    case 'skipped':
      return { success: true, queued: false, skipped: true, message: result.reason };
    case 'already_claimed':
      return {
        success: true,
        queued: false,
        skipped: true,
        slot: result.slotId,
        message: 'The daily export for this slot already exists',
      };
    case 'queued':
    case 'nothing_new':
      return { ...toGenerateAnswer(result), slot: result.slotId ?? null };
    default:
      return result satisfies never;
  }
}

/** The answer to `GET /export/preview`. */
export function toPreviewAnswer(type: ExportType, preview: Preview): Answer<'preview'> {
  const categories = Object.entries(preview).map(([category, { sizeBytes, ...rest }]) => [
    category,
    { ...rest, size_bytes: sizeBytes },
  ]);
  return { success: true, type, categories: Object.fromEntries(categories) };
}

/** The answer to `POST /export/queue/cleanup`. */
export function toCleanupAnswer(report: CleanupReport): Answer<'cleanup'> {
  return {
    success: true,
    completed_removed: report.completedRemoved,
    failed_removed: report.failedRemoved,
    failed_kept: report.failedKept,
    freed_bytes: report.freedBytes,
  };
}

/** The answer to `GET /export/history/days`. */
export function toDeliveredDaysAnswer({
  timeZone,
  days,
}: Awaited<ReturnType<ExportManager['deliveredDays']>>): Answer<'historyDays'> {
  return {
    success: true,
    timezone: timeZone,
    days: days.map(({ date, exportCount, recordCount, wireSizeBytes }) => ({
      date,
      export_count: exportCount,
      record_count: recordCount,
      wire_size_bytes: wireSizeBytes,
    })),
  };
}

/** The answer to `GET /export/notifications`. */
export function toNotificationsAnswer(report: NotificationReport): Answer<'notifications'> {
  return {
    success: true,
    on: report.isOn,
    after_days: report.afterDays,
    channels: report.channels.map(({ channel, target, state }) => ({
      channel,
      target: target ?? null,
      state,
    })),
    raised: report.raised.map(({ channel, subject, exportCount, atMs }) => ({
      channel,
      subject,
      export_count: exportCount,
      at: toLegacyTime(atMs),
    })),
  };
}

/** The answer to `GET /export/files`. */
export function toFilesAnswer(files: readonly ExportFileFacts[]): Answer<'files'> {
  return {
    success: true,
    files: files.map((file) => ({
      name: file.name,
      size_bytes: file.sizeBytes,
      modified: toLegacyTime(file.modifiedMs),
      queue_id: file.queueId ?? null,
      status: file.status ?? null,
    })),
  };
}

/** The answer to `GET /export/doctor` and `POST /export/doctor/repair`. */
export function toDoctorAnswer(report: DoctorReport): Answer<'doctor'> {
  return {
    success: true,
    healthy: isHealthy(report.findings),
    findings: toReportedFindings(report.findings).map(({ check, level, message, hint }) => ({
      check,
      level,
      message,
      ...(hint === undefined ? {} : { hint }),
    })),
    repaired: report.repaired,
    fsync:
      report.fsync === undefined
        ? null
        : { samples: report.fsync.samples, p50_ms: report.fsync.p50Ms, p95_ms: report.fsync.p95Ms },
    free_bytes: report.freeBytes,
    reserve_bytes: report.reserveBytes,
  };
}

/** The answer to `POST /export/enroll`. */
export function toEnrollAnswer(enrolled: Enrolled): Answer<'enroll'> {
  return {
    success: true,
    enrolled: enrolled.state === 'stored',
    installation_id: enrolled.installationId,
    token_id: enrolled.tokenId,
    expires_at: enrolled.expiresAt,
  };
}
