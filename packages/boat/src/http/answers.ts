import { describeSendHold } from '../deliver/policy/data-budget.ts';
import { describeDestination } from '../deliver/policy/destination-state.ts';
import type { ManagerEvent } from '../events.ts';
import type { Status } from '../export-manager.ts';
import type { QueueCounts } from '../ledger/entry.ts';
import { toLegacyTime } from '../ledger/policy.ts';
import { toHistoryView, toQueueView } from '../views/views.ts';

/** The seed's six keys of `GET /export/queue/status`, exactly. */
export function toQueueStatus(
  counts: QueueCounts,
  nextPending: Parameters<typeof toQueueView>[0] | undefined,
  nowMs: number,
): Readonly<Record<string, unknown>> {
  return {
    pending_count: counts.pending,
    uploading_count: counts.uploading,
    completed_count: counts.completed,
    failed_count: counts.failed,
    next_pending: nextPending === undefined ? null : toQueueView(nextPending),
    last_updated: toLegacyTime(nowMs),
  };
}

/** `GET /export/status`: the seed's keys, then what docs/spec/delivery.md, "HTTP API on 127.0.0.1:8094" adds. Unknown is null. */
export function toStatusAnswer(
  status: Status,
  port: number,
  nowMs: number,
): Readonly<Record<string, unknown>> {
  const refusal = status.license.kind === 'refused' ? status.license : undefined;
  const { destination } = status;
  return {
    success: true,
    service: 'd3kos-export-manager',
    port,
    tier: status.tier ?? null,
    can_export: status.canExport,
    error: refusal?.message ?? null,
    ...(refusal === undefined ? {} : { code: refusal.code, hint: refusal.hint }),
    installation_id: status.license.kind === 'known' ? status.license.installationId : null,
    queue: {
      pending_count: status.counts.pending,
      uploading_count: status.counts.uploading,
      completed_count: status.counts.completed,
      failed_count: status.counts.failed,
      waiting_bytes: status.waitingBytes,
    },
    destination: {
      state: destination.state,
      since: toLegacyTime(destination.sinceWallMs),
      detail: destination.detail,
      explanation: describeDestination(destination),
    },
    thrift: {
      state: status.dataBudget.hold ?? 'affordable',
      detail: describeSendHold(status.dataBudget.hold),
      month_bytes: status.dataBudget.monthBytes,
      month_bytes_max: status.dataBudget.monthBytesMax ?? null,
    },
    last_export: status.lastExport === undefined ? null : toQueueView(status.lastExport),
    last_delivery: status.lastDelivery === undefined ? null : toHistoryView(status.lastDelivery),
    schedule: {
      daily_hour: status.schedule.dailyHour,
      timezone: status.schedule.timeZone,
      owed_slot: status.schedule.owedSlot ?? null,
    },
    storage: {
      free_bytes: status.storage.freeBytes,
      total_bytes: status.storage.totalBytes,
      exports_bytes: status.storage.exportsBytes,
    },
    categories: status.categories,
    time: toLegacyTime(nowMs),
  };
}

/** Prometheus text exposition of the queue and the card. */
export function toMetrics(status: Status): string {
  const lines: string[] = [];
  const gauge = (
    name: string,
    help: string,
    values: readonly (readonly [labels: string, value: number])[],
  ): void => {
    lines.push(`# HELP d3kos_export_${name} ${help}`, `# TYPE d3kos_export_${name} gauge`);
    for (const [labels, value] of values) lines.push(`d3kos_export_${name}${labels} ${value}`);
  };
  gauge(
    'entries',
    'Entries in the queue by status.',
    Object.entries(status.counts).map(([name, n]) => [`{status="${name}"}`, n] as const),
  );
  gauge('waiting_bytes', 'Bytes of export files that wait.', [['', status.waitingBytes]]);
  gauge('destination', 'The state central is in, as seen from the boat.', [
    [`{state="${status.destination.state}"}`, 1],
  ]);
  gauge('disk_free_bytes', 'Free bytes on the card.', [['', status.storage.freeBytes]]);
  gauge('files_bytes', 'Bytes of export files on the card.', [['', status.storage.exportsBytes]]);
  gauge(
    'tier',
    'The tier of this boat; absent when unknown.',
    status.tier === undefined ? [] : [['', status.tier]],
  );
  return `${lines.join('\n')}\n`;
}

/** One server-sent event. */
export function toServerSentEvent(event: ManagerEvent): string {
  return `event: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;
}
