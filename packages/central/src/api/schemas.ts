import { CATEGORIES } from '@d3kos/protocol';
import { type Static, type TSchema, Type } from 'typebox';

/** A schema's type, with every member readonly. */
export type ReadonlyStatic<S extends TSchema> = DeepReadonly<Static<S>>;
type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** The schema, or null. */
export function nullable<S extends TSchema>(schema: S) {
  return Type.Union([schema, Type.Null()]);
}

const count = Type.Integer({ minimum: 0 });
const sequences = Type.Array(Type.Integer({ minimum: 1 }));

/**
 * Gaps in the sequences of an installation's newest ledger. A reflashed boat begins a new ledger, and its sequences restart at 1.
 */
export const SequenceGapsSchema = Type.Object({
  ledger_id: nullable(Type.String()),
  missing_sequences: sequences,
  /** Also missing, but withdrawn by the boat: later exports contain their records. */
  withdrawn_sequences: sequences,
});
export type SequenceGaps = ReadonlyStatic<typeof SequenceGapsSchema>;

/** An installation's latest export; `export_timestamp` is the boat's claim, `received_at` is central's own time. */
const LastExportSchema = Type.Object({
  export_id: Type.String(),
  export_timestamp: nullable(Type.String()),
  received_at: nullable(Type.String()),
});

/** One of an installation's ledgers. Times are central's own. */
const LedgerSchema = Type.Object({
  ledger_id: Type.String(),
  first_received_at: Type.String(),
  last_received_at: Type.String(),
  highest_sequence: nullable(Type.Integer({ minimum: 1 })),
  /** Every sequence up to and including this one is either held completely or withdrawn. */
  held_through: nullable(count),
  /** When an export was last refused with `LEDGER_DIVERGED`. */
  diverged_at: nullable(Type.String()),
  /** When the ledger last sent a new export although a newer ledger existed. */
  concurrent_at: nullable(Type.String()),
});

/** Always null in `pending_records` and `next_scheduled_export`, because only the boat knows these values. */
export const ExportStatusSchema = Type.Object({
  status: Type.Literal('success'),
  installation_id: Type.String(),
  last_export: nullable(LastExportSchema),
  records_synced: count,
  records: Type.Object(Object.fromEntries(CATEGORIES.map((category) => [category, count]))),
  pending_records: Type.Null(),
  storage_used_mb: Type.Number({ minimum: 0 }),
  next_scheduled_export: Type.Null(),
  ...SequenceGapsSchema.properties,
  /**
   * Number of ledgers that send new exports concurrently, or 0. If it is above 0, two or more machines use this installation ID.
   */
  concurrent_ledgers: count,
  /** Newest first. */
  ledgers: Type.Array(LedgerSchema),
});
export type ExportStatus = ReadonlyStatic<typeof ExportStatusSchema>;

/** The answer of a node that can store exports. */
export const ReadySchema = Type.Object({
  service: Type.Literal('d3kos-central'),
  status: Type.Literal('ready'),
  time: Type.String(),
});

/** An OpenAPI document. It describes only the members that readers rely on. */
export const OpenApiSchema = Type.Object({
  openapi: Type.Literal('3.1.0'),
  info: Type.Object({ title: Type.String(), version: Type.String() }),
  components: Type.Object({}),
  paths: Type.Record(Type.String(), Type.Record(Type.String(), Type.Object({ summary: Type.String() }))),
});
