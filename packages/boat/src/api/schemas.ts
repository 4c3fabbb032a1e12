import { CATEGORY_STATES, RejectedRecordSchema } from '@d3kos/protocol';
import { type TSchema, Type } from 'typebox';

/*
 * JSON answers of the local API. Every object is open: a later export manager may add keys, which clients of this version ignore.
 * A string with `examples` may take other values in later versions, so clients must handle unknown ones.
 */

export const Count = Type.Integer({ minimum: 0 });
export const Nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);
const Success = Type.Literal(true);

export const Time = Type.String({
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$',
  description:
    "UTC in whole seconds, from the boat's clock. For information only, because the clock may be wrong.",
});
const Slot = Type.String({ description: 'The local date of a daily export, YYYY-MM-DD' });

/** The answer to every refused or failed request. */
export const ErrorSchema = Type.Object({
  success: Type.Literal(false),
  error: Type.String({ description: 'Human-readable description of the failure' }),
  code: Type.String({ description: 'A code from docs/reference/errors.md' }),
  hint: Type.String({ description: 'What to do about it' }),
});

export const HealthSchema = Type.Object({
  service: Type.Literal('d3kos-export-manager'),
  status: Type.String({ examples: ['ok'] }),
  version: Type.String(),
  time: Time,
});

/** An entry in the format of `export_queue.json`. Keys, order and types are those of the legacy exporter. */
export const QueueEntrySchema = Type.Object({
  queue_id: Type.String(),
  export_file: Type.String({ description: 'Absolute path of the export file' }),
  created_at: Time,
  tier: Type.Integer({ minimum: 0, maximum: 3 }),
  category_count: Count,
  file_size_bytes: Count,
  status: Type.Enum(['pending', 'uploading', 'completed', 'failed']),
  retry_count: Count,
  next_retry_at: Time,
  last_error: Nullable(Type.String()),
  completed_at: Type.Optional(Time),
  failed_at: Type.Optional(Time),
});

/** A queue entry with fields that `export_queue.json` does not have. */
export const QueuedExportSchema = Type.Object({
  ...QueueEntrySchema.properties,
  record_count: Count,
  export_type: Type.Enum(['full', 'incremental']),
  trigger: Type.Enum(['manual', 'scheduled', 'boot'], { description: 'What requested the export' }),
});

/** A delivered export in the format of `export_history.json`. */
export const HistoryEntrySchema = Type.Object({
  queue_id: Type.String(),
  export_file: Type.String({ description: 'Absolute path of the export file at the time of delivery' }),
  created_at: Time,
  tier: Type.Integer({ minimum: 0, maximum: 3 }),
  category_count: Count,
  file_size_bytes: Count,
  status: Type.Literal('completed'),
  retry_count: Count,
  next_retry_at: Time,
  last_error: Nullable(Type.String()),
  completed_at: Time,
  export_id: Type.String(),
  export_type: Type.Enum(['full', 'incremental']),
  record_count: Count,
  wire_size_bytes: Type.Integer({ minimum: 0, description: 'Bytes sent for this export, after compression' }),
  records_imported: Type.Record(Type.String(), Count, {
    description: 'Number of records per category, as counted by central',
  }),
  rejected_records: Type.Array(RejectedRecordSchema),
});

/** One category's contribution to an export. */
const CategoryCountSchema = Type.Object({
  state: Type.String({ examples: [...CATEGORY_STATES] }),
  count: Count,
  detail: Type.Optional(Type.String()),
});

const QueueCountsSchema = Type.Object({
  pending_count: Count,
  uploading_count: Count,
  completed_count: Count,
  failed_count: Count,
  waiting_bytes: Type.Integer({
    minimum: 0,
    description: 'Total size of the waiting export files, in bytes',
  }),
});

export const BlockedCause = Nullable(
  Type.String({
    examples: [
      'no_address',
      'no_token',
      'token_file',
      'token',
      'other_boat',
      'disabled',
      'address',
      'diverged',
      'other',
    ],
    description: 'Why the state is `blocked`. Null in any other state',
  }),
);

const DestinationSchema = Type.Object({
  state: Type.String({
    examples: ['unknown', 'online', 'offline', 'captive_portal', 'clock_wrong', 'unavailable', 'blocked'],
  }),
  since: Time,
  detail: Type.String({ description: 'What the boat observed. Empty if there is nothing to report.' }),
  explanation: Type.String({ description: 'What the state means and what the owner can do' }),
  cause: BlockedCause,
});

const dataBudgetProperties = {
  state: Type.String({
    examples: ['affordable', 'metered', 'over_budget'],
    description: 'Why a due export is waiting for a cheaper connection or the next month',
  }),
  detail: Type.String({ description: 'The reason, as a sentence. Empty if no export is on hold.' }),
  month_bytes: Type.Integer({ minimum: 0, description: 'Bytes sent in this calendar month (UTC)' }),
  month_bytes_max: Nullable(
    Type.Integer({ minimum: 0, description: '`monthly_budget_bytes`, or null if there is no limit' }),
  ),
};

const LedgerChangeSchema = Type.Object({
  at: Time,
  former_ledger_id: Type.String(),
  reason: Type.String({ description: 'The error that central returned' }),
  renumbered_exports: Type.Integer({
    minimum: 0,
    description: 'Number of waiting and failed exports that were renumbered in the new ledger',
  }),
  full_export_due: Type.Boolean({ description: 'Whether this change requires a full export' }),
  explanation: Type.String({ description: 'A sentence about what happened and what happens next' }),
});

/** The answer to `GET /export/status`. Unknown values are null. */
export const StatusSchema = Type.Object({
  success: Success,
  service: Type.Literal('d3kos-export-manager'),
  port: Type.Integer(),
  tier: Nullable(Type.Integer({ minimum: 0, maximum: 3 })),
  can_export: Type.Boolean(),
  error: Nullable(Type.String({ description: 'Why the licence does not permit exports' })),
  code: Type.Optional(Type.String({ description: 'The error code for `error`' })),
  hint: Type.Optional(Type.String({ description: 'What to do about it' })),
  installation_id: Nullable(Type.String()),
  queue: QueueCountsSchema,
  destination: DestinationSchema,
  thrift: Type.Object(dataBudgetProperties, {
    deprecated: true,
    description: 'Deprecated: the former name of `data_budget`. It will be removed in the next release.',
  }),
  data_budget: Type.Object(dataBudgetProperties),
  ledger: Type.Object({
    ledger_id: Type.String(),
    change: Nullable(LedgerChangeSchema),
  }),
  lacking: Nullable(
    Type.Object(
      {
        cause: Type.String({ examples: ['no_address', 'no_token', 'token_file'] }),
        detail: Type.String(),
      },
      { description: 'What is missing before the boat can send any export. Null if nothing is missing.' },
    ),
  ),
  last_export: Nullable(QueuedExportSchema),
  last_delivery: Nullable(HistoryEntrySchema),
  delivered: Type.Object(
    { export_count: Count, record_count: Count },
    { description: 'Totals for all delivered exports and their records' },
  ),
  lost_by_central: Type.Object(
    {
      queued_again: Count,
      rewound: Count,
      last_reported: Nullable(Time),
    },
    {
      description:
        'Delivered exports that central has reported as missing. An export is queued again if its file still exists; otherwise the next export contains its records',
    },
  ),
  schedule: Type.Object({
    daily_hour: Type.Integer({ minimum: 0, maximum: 23 }),
    timezone: Type.String({ description: 'IANA time zone name' }),
    owed_slot: Nullable(Slot),
  }),
  storage: Type.Object({
    free_bytes: Count,
    total_bytes: Count,
    exports_bytes: Count,
    reserve_bytes: Type.Integer({
      minimum: 0,
      description:
        "Space kept free for the boat's other services. With less free space, no export is created.",
    }),
    medium: Type.Optional(
      Nullable(
        Type.Enum(['disk', 'memory', 'overlay', 'network', 'fuse'], {
          description: 'The medium on which the exports are stored. Null if the system does not report it',
        }),
      ),
    ),
    file_system: Type.Optional(
      Nullable(Type.String({ description: 'Type of the file system with the exports', examples: ['ext4'] })),
    ),
    warning: Type.Optional(
      Nullable(
        Type.String({
          description: 'Why exports may not survive a power-off. Null if they are on persistent storage',
        }),
      ),
    ),
  }),
  categories: Type.Record(Type.String(), CategoryCountSchema),
  time: Time,
});

/** The legacy exporter's six queue status keys, in the same order. */
export const QueueStatusSchema = Type.Object({
  pending_count: Count,
  uploading_count: Count,
  completed_count: Count,
  failed_count: Count,
  next_pending: Nullable(QueueEntrySchema),
  last_updated: Time,
});

export const GenerateSchema = Type.Object({
  success: Success,
  queued: Type.Boolean({ description: 'False if there was nothing new or if the daily export was skipped' }),
  skipped: Type.Optional(
    Type.Boolean({
      description: 'True if a scheduled export was skipped. `message` has the reason',
    }),
  ),
  export_file: Type.Optional(Type.String({ description: 'Name of the export file' })),
  queue_id: Type.Optional(Type.String()),
  export_id: Type.Optional(Type.String()),
  export_type: Type.Optional(Type.Enum(['full', 'incremental'])),
  record_count: Type.Optional(Count),
  file_size_bytes: Type.Optional(Count),
  tier: Type.Optional(Type.Integer({ minimum: 0, maximum: 3 })),
  slot: Type.Optional(Nullable(Slot)),
  unread_categories: Type.Optional(
    Type.Array(Type.Object({ category: Type.String(), detail: Type.String() }), {
      description:
        'Categories that could not be read, with the reasons. The export was queued without them, and the daily slot stays due',
    }),
  ),
  message: Type.String(),
});

export const PreviewSchema = Type.Object({
  success: Success,
  type: Type.Enum(['full', 'incremental']),
  categories: Type.Record(
    Type.String(),
    Type.Object({
      state: Type.String({ examples: [...CATEGORY_STATES] }),
      count: Count,
      samples: Type.Array(Type.Unknown(), { description: 'The first records' }),
      size_bytes: Count,
      redacted: Type.Optional(
        Type.Array(Type.Object({ field: Type.String(), reason: Type.String(), count: Count }), {
          description: 'Fields from which credentials, addresses or local paths were removed',
        }),
      ),
      detail: Type.Optional(Type.String()),
    }),
  ),
});

export const QueueSchema = Type.Object({
  success: Success,
  version: Type.Literal('1.0'),
  pending: Type.Array(QueuedExportSchema),
  uploading: Type.Array(QueuedExportSchema),
  completed: Type.Array(QueuedExportSchema),
  failed: Type.Array(QueuedExportSchema),
});

export const ProcessSchema = Type.Object({
  success: Success,
  pending_count: Type.Integer({ minimum: 0, description: 'Number of waiting and uploading exports' }),
  message: Type.String(),
});

export const CleanupSchema = Type.Object({
  success: Success,
  completed_removed: Count,
  failed_removed: Count,
  failed_kept: Type.Integer({
    minimum: 0,
    description:
      'Number of failed exports that were kept because no other export has delivered their records',
  }),
  freed_bytes: Count,
});

export const EntrySchema = Type.Object({ success: Success, entry: QueuedExportSchema });

export const HistorySchema = Type.Object({
  success: Success,
  version: Type.Literal('1.0'),
  exports: Type.Array(HistoryEntrySchema),
});

/** Always 30 days, ending with today. */
export const DeliveredDaysSchema = Type.Object({
  success: Success,
  timezone: Type.String({ description: 'IANA name of the time zone that defines the days' }),
  days: Type.Array(
    Type.Object({
      date: Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }),
      export_count: Count,
      record_count: Count,
      wire_size_bytes: Type.Integer({ minimum: 0, description: 'Bytes sent, after compression' }),
    }),
  ),
});

export const FilesSchema = Type.Object({
  success: Success,
  files: Type.Array(
    Type.Object({
      name: Type.String(),
      size_bytes: Count,
      modified: Time,
      queue_id: Nullable(Type.String()),
      status: Nullable(Type.Enum(['pending', 'uploading', 'completed', 'failed'])),
    }),
  ),
});

export const BrowserSchema = Type.Object({
  success: Success,
  changed: Type.Integer({ minimum: 0, description: 'Number of keys whose value changed' }),
});

export const SettingsSchema = Type.Object({
  success: Success,
  usage_telemetry: Type.Boolean(),
  notifications: Type.Boolean(),
});

/** `enrolled` is false if the installation ID in license.json differs from `installation_id`. The token is then not stored. */
export const EnrollSchema = Type.Object({
  success: Success,
  enrolled: Type.Boolean(),
  installation_id: Type.String(),
  token_id: Type.String(),
  expires_at: Type.Union([Type.String(), Type.Null()]),
});

export const DoctorSchema = Type.Object({
  success: Success,
  healthy: Type.Boolean(),
  findings: Type.Array(
    Type.Object({
      check: Type.String({ examples: ['ledger', 'files', 'space'] }),
      level: Type.String({ examples: ['ok', 'note', 'problem'] }),
      message: Type.String(),
      hint: Type.Optional(Type.String()),
    }),
  ),
  repaired: Type.Array(Type.String(), { description: 'One sentence per repair' }),
  fsync: Nullable(Type.Object({ samples: Count, p50_ms: Type.Number(), p95_ms: Type.Number() })),
  free_bytes: Count,
  reserve_bytes: Count,
});

/** The page's texts by key. A page text with a number has one form per plural category. */
export const PageTextsSchema = Type.Record(
  Type.String(),
  Type.Union([Type.String(), Type.Record(Type.String(), Type.String())]),
);

export const OpenApiSchema = Type.Object({
  openapi: Type.Literal('3.1.0'),
  info: Type.Object({ title: Type.String(), version: Type.String() }),
  paths: Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown())),
  components: Type.Unknown(),
});
