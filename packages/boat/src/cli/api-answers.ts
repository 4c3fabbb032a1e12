import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';

/*
 * What the commands print of the API's answers, and nothing else: a newer export manager may say more, and an older
 * command line prints what it knows. Names and units are the API's (docs/spec/delivery.md, "HTTP API on 127.0.0.1:8094").
 */

/** `GET /health` of the export manager; another service on the port has another name. */
export const healthAnswer = Compile(
  Type.Object({ service: Type.Literal('d3kos-export-manager'), status: Type.String() }),
);

/** Every refusal. */
export const errorAnswer = Compile(
  Type.Object({
    success: Type.Literal(false),
    error: Type.String(),
    code: Type.String(),
    hint: Type.Optional(Type.String()),
  }),
);

const QueueEntrySchema = Type.Object({
  queue_id: Type.String(),
  created_at: Type.String(),
  file_size_bytes: Type.Number(),
  status: Type.String(),
  retry_count: Type.Number(),
  next_retry_at: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  last_error: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});
export type QueueEntryAnswer = Static<typeof QueueEntrySchema>;

const HistoryEntrySchema = Type.Object({
  queue_id: Type.String(),
  created_at: Type.String(),
  completed_at: Type.String(),
  export_type: Type.Optional(Type.String()),
  record_count: Type.Optional(Type.Number()),
  file_size_bytes: Type.Number(),
  wire_size_bytes: Type.Optional(Type.Number()),
  rejected_records: Type.Optional(Type.Array(Type.Unknown())),
});
export type HistoryEntryAnswer = Static<typeof HistoryEntrySchema>;

const StatusSchema = Type.Object({
  tier: Type.Union([Type.Number(), Type.Null()]),
  can_export: Type.Boolean(),
  error: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  hint: Type.Optional(Type.String()),
  queue: Type.Object({
    pending_count: Type.Number(),
    uploading_count: Type.Number(),
    completed_count: Type.Number(),
    failed_count: Type.Number(),
    waiting_bytes: Type.Optional(Type.Number()),
  }),
  destination: Type.Object({
    state: Type.String(),
    since: Type.Optional(Type.String()),
    detail: Type.Optional(Type.String()),
    explanation: Type.Optional(Type.String()),
  }),
  last_export: Type.Optional(Type.Union([QueueEntrySchema, Type.Null()])),
  last_delivery: Type.Optional(Type.Union([HistoryEntrySchema, Type.Null()])),
  schedule: Type.Optional(Type.Object({ daily_hour: Type.Number(), timezone: Type.String() })),
  storage: Type.Optional(Type.Object({ free_bytes: Type.Number(), exports_bytes: Type.Number() })),
});
/** `GET /export/status`. A null tier is unknown, not 0. */
export type StatusAnswer = Static<typeof StatusSchema>;
export const statusAnswer = Compile(StatusSchema);

const GenerateSchema = Type.Object({
  success: Type.Literal(true),
  queued: Type.Boolean(),
  /** Only of a scheduled export: nothing was made, by tier or because the slot is taken. */
  skipped: Type.Optional(Type.Boolean()),
  /** The day the scheduled export is for, where one was owed or taken. */
  slot: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  queue_id: Type.Optional(Type.String()),
  export_file: Type.Optional(Type.String()),
  record_count: Type.Optional(Type.Number()),
  file_size_bytes: Type.Optional(Type.Number()),
  message: Type.Optional(Type.String()),
});
/** `POST /export/generate`. */
export type GenerateAnswer = Static<typeof GenerateSchema>;
export const generateAnswer = Compile(GenerateSchema);

const QueueSchema = Type.Object({
  pending: Type.Array(QueueEntrySchema),
  uploading: Type.Array(QueueEntrySchema),
  completed: Type.Array(QueueEntrySchema),
  failed: Type.Array(QueueEntrySchema),
});
/** `GET /export/queue`. */
export type QueueAnswer = Static<typeof QueueSchema>;
export const queueAnswer = Compile(QueueSchema);

/** `POST /export/queue/{id}/retry` and `DELETE /export/queue/{id}`. */
export const entryAnswer = Compile(Type.Object({ success: Type.Literal(true), entry: QueueEntrySchema }));

const CleanupSchema = Type.Object({
  success: Type.Literal(true),
  completed_removed: Type.Number(),
  failed_removed: Type.Number(),
  failed_kept: Type.Number(),
  freed_bytes: Type.Number(),
});
/** `POST /export/queue/cleanup`. */
export type CleanupAnswer = Static<typeof CleanupSchema>;
export const cleanupAnswer = Compile(CleanupSchema);

const DoctorSchema = Type.Object({
  success: Type.Literal(true),
  healthy: Type.Boolean(),
  findings: Type.Array(
    Type.Object({
      check: Type.String(),
      level: Type.String(),
      message: Type.String(),
      hint: Type.Optional(Type.String()),
    }),
  ),
  repaired: Type.Array(Type.String()),
});
/** `GET /export/doctor` and `POST /export/doctor/repair`. */
export type DoctorAnswer = Static<typeof DoctorSchema>;
export const doctorAnswer = Compile(DoctorSchema);

/** `POST /export/queue/process`. */
export const processAnswer = Compile(Type.Object({ success: Type.Literal(true) }));

const HistorySchema = Type.Object({ exports: Type.Array(HistoryEntrySchema) });
/** `GET /export/history`, newest first. */
export type HistoryAnswer = Static<typeof HistorySchema>;
export const historyAnswer = Compile(HistorySchema);

const PreviewSchema = Type.Object({
  categories: Type.Record(
    Type.String(),
    Type.Object({
      state: Type.String(),
      count: Type.Number(),
      size_bytes: Type.Optional(Type.Number()),
      detail: Type.Optional(Type.String()),
    }),
  ),
});
/** `GET /export/preview`. */
export type PreviewAnswer = Static<typeof PreviewSchema>;
export const previewAnswer = Compile(PreviewSchema);
