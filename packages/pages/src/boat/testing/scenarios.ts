import type { Answer } from '@d3kos/boat/api';
import type { ManagerEvent } from '../api.ts';

/** An export manager's answers in one situation of a boat, for tests and screenshots. */
export interface Scenario {
  readonly status: Answer<'status'>;
  readonly queue: Answer<'queue'>;
  readonly history: Answer<'history'>;
  readonly files: Answer<'files'>;
  /** If absent, no notification is raised and Signal K is ready. */
  readonly notifications?: Answer<'notifications'>;
  /** The work in progress that a new event stream reports first. */
  readonly events: readonly ManagerEvent[];
}

type QueueEntry = Answer<'queue'>['pending'][number];
type HistoryRow = Answer<'history'>['exports'][number];
type Status = Answer<'status'>;

/** The boat's time in every scenario. */
export const NOW = '2026-07-14T10:08:00Z';
const DAY_MS = 86_400_000;

/** Returns the time `days` days before {@link NOW}. */
const before = (days: number): string =>
  `${new Date(Date.parse(NOW) - days * DAY_MS).toISOString().slice(0, 19)}Z`;
const toQueueId = (iso: string): string =>
  `q_${iso.slice(0, 19).replaceAll('-', '').replace('T', '_').replaceAll(':', '')}`;

/** A queue entry created `days` days ago. */
export function toEntry(days: number, facts: Partial<QueueEntry> = {}): QueueEntry {
  const createdAt = before(days);
  const queueId = toQueueId(createdAt);
  return {
    queue_id: queueId,
    export_file: `/opt/d3kos/data/exports/${queueId.replace('q_', 'export_')}.json`,
    created_at: createdAt,
    tier: 2,
    category_count: 9,
    file_size_bytes: 98_800 + Math.round(days * 7_000),
    status: 'pending',
    retry_count: 0,
    next_retry_at: createdAt,
    last_error: null,
    record_count: 240 + Math.round(days),
    export_type: 'incremental',
    trigger: 'scheduled',
    ...facts,
  };
}

/** An export that was delivered `days` days ago. */
export function toRow(days: number, facts: Partial<HistoryRow> = {}): HistoryRow {
  const recordCount = 180 + Math.round((Math.sin(days) + 1) * 240);
  const { status: _, ...entry } = toEntry(days);
  return {
    ...entry,
    status: 'completed',
    completed_at: before(days - 0.001),
    export_id: `${entry.queue_id}_id`,
    export_type: 'incremental',
    record_count: recordCount,
    wire_size_bytes: 21_000 + Math.round((Math.sin(days * 2) + 1) * 40_000),
    records_imported: {
      engine_benchmark: 0,
      boatlog: recordCount - 40,
      marine_vision_captures: 21,
      marine_vision_snapshots: 7,
      qr_codes: 0,
      settings: 1,
      system_alerts: 9,
      onboarding: 1,
      telemetry: 1,
    },
    rejected_records: [],
    ...facts,
  };
}

const ok = (count: number): Status['categories'][string] => ({ state: 'ok', count });

export const STATUS: Status = {
  success: true,
  service: 'd3kos-export-manager',
  port: 8094,
  tier: 2,
  can_export: true,
  error: null,
  installation_id: '7c41e09ab25f6d38',
  queue: { pending_count: 0, uploading_count: 0, completed_count: 30, failed_count: 0, waiting_bytes: 0 },
  destination: { state: 'online', since: before(0.4), detail: '', explanation: '', cause: null },
  thrift: { state: 'affordable', detail: '', month_bytes: 1_200_000, month_bytes_max: null },
  data_budget: { state: 'affordable', detail: '', month_bytes: 1_200_000, month_bytes_max: null },
  lost_by_central: { queued_again: 0, rewound: 0, last_reported: null },
  ledger: { ledger_id: '0f1e2d3c4b5a6978', change: null },
  lacking: null,
  last_export: toEntry(0.3, { status: 'completed' }),
  last_delivery: null,
  delivered: { export_count: 52, record_count: 35_604 },
  schedule: { daily_hour: 3, timezone: 'Europe/Athens', owed_slot: null },
  storage: {
    free_bytes: 21_400_000_000,
    total_bytes: 58_200_000_000,
    exports_bytes: 13_100_000,
    reserve_bytes: 524_288_000,
  },
  categories: {
    engine_benchmark: ok(0),
    boatlog: ok(194),
    marine_vision_captures: ok(21),
    marine_vision_snapshots: ok(7),
    qr_codes: { state: 'source_missing', count: 0 },
    settings: ok(1),
    system_alerts: ok(9),
    onboarding: ok(1),
    telemetry: ok(1),
  },
  time: NOW,
};

const HISTORY_ROWS: readonly HistoryRow[] = Array.from({ length: 52 }, (_, index) => toRow(index + 0.3));

/** A scenario in which everything is delivered, modified by the given facts. The counts are derived from the queue. */
export function toScenario(
  facts: {
    readonly status?: Partial<Status>;
    readonly destination?: Partial<Status['destination']>;
    readonly queue?: Partial<Answer<'queue'>>;
    readonly rows?: readonly HistoryRow[];
    readonly events?: readonly ManagerEvent[];
    readonly notifications?: Answer<'notifications'>;
  } = {},
): Scenario {
  const lists = {
    pending: [],
    uploading: [],
    completed: [toEntry(0.3, { status: 'completed' })],
    failed: [],
    ...facts.queue,
  };
  const waiting = [...lists.pending, ...lists.uploading];
  const rows = facts.rows ?? HISTORY_ROWS;
  return {
    status: {
      ...STATUS,
      queue: {
        pending_count: lists.pending.length,
        uploading_count: lists.uploading.length,
        completed_count: lists.completed.length,
        failed_count: lists.failed.length,
        waiting_bytes: waiting.reduce((sum, entry) => sum + entry.file_size_bytes, 0),
      },
      last_export:
        [...waiting, ...lists.failed, ...lists.completed].toSorted((a, b) =>
          b.created_at.localeCompare(a.created_at),
        )[0] ?? STATUS.last_export,
      destination: { ...STATUS.destination, ...facts.destination },
      ...facts.status,
    },
    queue: { success: true, version: '1.0', ...lists },
    history: { success: true, version: '1.0', exports: rows },
    files: {
      success: true,
      files: [...lists.completed, ...lists.failed, ...waiting].map((entry) => ({
        name: entry.export_file.split('/').at(-1) ?? '',
        size_bytes: entry.file_size_bytes,
        modified: entry.created_at,
        queue_id: entry.queue_id,
        status: entry.status,
      })),
    },
    events: facts.events ?? [],
    ...(facts.notifications === undefined ? {} : { notifications: facts.notifications }),
  };
}

const waits = (count: number): Pick<Answer<'queue'>, 'pending'> => ({
  pending: Array.from({ length: count }, (_, index) => toEntry(0.1 + (count - index - 1) * 0.02)),
});
const heldUp = (state: string, detail = '', cause: string | null = null): Scenario =>
  toScenario({ destination: { state, detail, cause, since: before(0.2) }, queue: waits(6) });
const refused = (code: string, error: string, hint: string): Scenario =>
  toScenario({
    status: { tier: null, can_export: false, installation_id: null, error, code, hint },
    queue: waits(2),
  });
const sending = toEntry(0.002, { status: 'uploading', file_size_bytes: 2_300_000 });
const budget = (state: string): Status['data_budget'] => ({
  state,
  detail: 'held',
  month_bytes: 49_800_000,
  month_bytes_max: 50_000_000,
});

/** Every situation that the page must show, by name. */
export const SCENARIOS = {
  safe: toScenario(),
  uploading: toScenario({
    queue: { uploading: [sending], ...waits(1) },
    events: [
      {
        kind: 'uploading',
        queueId: sending.queue_id,
        partIndex: 6,
        partCount: 9,
        sentBytes: 1_340_000,
        leftMs: 195_000,
      },
    ],
  }),
  collecting: toScenario({
    events: ['engine_benchmark', 'boatlog', 'marine_vision_captures'].map((category) => ({
      kind: 'collecting',
      category,
      count: 1_204,
    })),
  }),
  empty: toScenario({
    rows: [],
    queue: { completed: [] },
    status: {
      last_export: null,
      delivered: { export_count: 0, record_count: 0 },
      storage: { ...STATUS.storage, exports_bytes: 0 },
      categories: {},
    },
  }),
  unknown: heldUp('unknown'),
  online_waits: heldUp('online'),
  offline: heldUp('offline', 'No answer (ENETUNREACH)'),
  captive_portal: heldUp('captive_portal', 'HTTP 302: redirect to http://portal.marina.example/login'),
  untrusted: heldUp(
    'untrusted',
    "Another machine answers under central's name (ERR_TLS_CERT_ALTNAME_INVALID)",
  ),
  clock_wrong: heldUp(
    'clock_wrong',
    "The certificate's dates do not match this boat's clock (CERT_NOT_YET_VALID)",
  ),
  unavailable: heldUp('unavailable', 'HTTP 503 UNAVAILABLE: the database does not answer'),
  blocked_token: heldUp('blocked', 'HTTP 401 UNAUTHORIZED: unknown token', 'token'),
  blocked_disabled: heldUp(
    'blocked',
    'HTTP 403 INSTALLATION_DISABLED: the installation is disabled',
    'disabled',
  ),
  blocked_mismatch: heldUp(
    'blocked',
    'HTTP 403 INSTALLATION_MISMATCH: the token belongs to another installation',
    'other_boat',
  ),
  token_file: heldUp('blocked', 'export-credentials.json is not valid JSON', 'token_file'),
  blocked_address: heldUp('blocked', 'HTTP 404 NOT_FOUND: no such route', 'address'),
  no_address: heldUp('blocked', 'CENTRAL_API_URL is not set', 'no_address'),
  no_token: heldUp('blocked', 'This boat has no device token: enrol it at central', 'no_token'),
  blocked_other: heldUp('blocked', 'a reason that this page does not know', 'a_later_cause'),
  new_state: heldUp('a_state_of_a_later_version', 'something new'),
  metered: toScenario({ queue: waits(3), status: { data_budget: budget('metered') } }),
  over_budget: toScenario({ queue: waits(3), status: { data_budget: budget('over_budget') } }),
  tier_0: toScenario({
    status: {
      tier: 0,
      can_export: false,
      error: 'Tier 0 does not have export capability',
      code: 'TIER_TOO_LOW',
      hint: 'Upgrade to tier 1 or higher to export.',
    },
    queue: waits(2),
  }),
  tier_1: toScenario({ status: { tier: 1 } }),
  tier_3: toScenario({ status: { tier: 3 } }),
  no_licence: refused(
    'LICENSE_MISSING',
    "Neither the tier API nor license.json has this boat's tier",
    'Start the tier service (d3kos-tier-api), or restore the config/license.json that the first boot created.',
  ),
  no_installation_id: refused(
    'INSTALLATION_ID_INVALID',
    'This boat has no installation ID',
    'Run first boot again.',
  ),
  card_full: toScenario({
    queue: waits(4),
    status: { storage: { ...STATUS.storage, free_bytes: 212_000_000 } },
  }),
  source_unreadable: toScenario({
    status: {
      categories: {
        ...STATUS.categories,
        boatlog: { state: 'error', count: 0, detail: 'database is locked' },
      },
    },
  }),
  card_not_durable: toScenario({
    status: {
      storage: {
        ...STATUS.storage,
        medium: 'overlay',
        file_system: 'overlay',
        warning: 'The exports are on an overlay that a power-off empties',
      },
    },
  }),
  ledger_replaced: toScenario({
    status: {
      ledger: {
        ledger_id: '0f1e2d3c4b5a6978',
        change: {
          at: NOW,
          former_ledger_id: 'fedcba9876543210',
          reason: 'HTTP 409 LEDGER_WENT_BACK',
          renumbered_exports: 0,
          full_export_due: true,
          explanation: 'The ledger went back, so it was replaced.',
        },
      },
    },
  }),
  failed: toScenario({
    queue: {
      failed: [
        toEntry(0.2, {
          status: 'failed',
          retry_count: 4,
          failed_at: before(0.1),
          last_error: 'HTTP 503: the database did not answer',
        }),
        toEntry(0.25, { status: 'failed', failed_at: before(0.1), last_error: 'Stopped by the owner' }),
      ],
    },
  }),
  new_boat: toScenario({
    rows: [],
    queue: { completed: [] },
    destination: { state: 'unknown' },
    status: {
      lacking: { cause: 'no_token', detail: 'This boat has no device token: enrol it at central' },
      last_export: null,
      delivered: { export_count: 0, record_count: 0 },
      categories: {},
    },
  }),
  failed_and_waiting: toScenario({
    notifications: {
      success: true,
      on: true,
      after_days: 7,
      channels: [
        { channel: 'signalk', target: 'http://127.0.0.1:3000', state: 'ready' },
        { channel: 'webhook', target: 'https://hooks.example.org/…', state: 'failing' },
      ],
      raised: [{ channel: 'signalk', subject: 'failed', export_count: 1, at: before(0.15) }],
    },
    queue: {
      ...waits(2),
      failed: [
        toEntry(0.2, {
          status: 'failed',
          retry_count: 4,
          failed_at: before(0.15),
          last_error: 'HTTP 503',
        }),
      ],
    },
  }),
  failed_offline: toScenario({
    destination: { state: 'offline', detail: 'No answer (ENETUNREACH)', since: before(1) },
    queue: {
      ...waits(2),
      failed: [toEntry(0.2, { status: 'failed', failed_at: before(0.15), last_error: 'HTTP 503' })],
    },
  }),
  failed_but_ashore: toScenario({
    queue: {
      ...waits(2),
      failed: [
        toEntry(7, { status: 'failed', retry_count: 4, failed_at: before(6.9), last_error: 'HTTP 503' }),
      ],
    },
  }),
  crowded: toScenario({
    notifications: {
      success: true,
      on: true,
      after_days: 7,
      channels: [
        { channel: 'signalk', target: 'http://127.0.0.1:3000', state: 'awaiting_approval' },
        { channel: 'webhook', target: 'https://hooks.example.org/…', state: 'ready' },
      ],
      raised: [{ channel: 'webhook', subject: 'waiting', export_count: 38, at: before(5) }],
    },
    destination: { state: 'offline', detail: 'No answer (ENETUNREACH)', since: before(12) },
    queue: waits(100),
    rows: Array.from({ length: 1_000 }, (_, index) => toRow(5 + index / 3)),
    status: { delivered: { export_count: 1_000, record_count: 412_118 } },
  }),
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioName = keyof typeof SCENARIOS;
