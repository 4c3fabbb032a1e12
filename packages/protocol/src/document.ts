import { type Static, Type } from 'typebox';
import { CATEGORIES, CATEGORY_STATES, type Category } from './categories.ts';
import { INSTALLATION_ID_PATTERN } from './installation.ts';

/**
 * The only document format. R12: "The decoded body MUST be a complete export document in UTF-8 with `format_version` `"1.0"`."
 */
export const FORMAT_VERSION = '1.0';

/**
 * The part of an export that a request carries, counted from 1. R14: "Central MUST treat a document without `part` as part 1 of
 * 1."
 */
export const PartSchema = Type.Object({
  index: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  count: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
});
export type Part = Static<typeof PartSchema>;

/** Maximum length of a record ID: enough for the longest forms of `<id>@<timestamp>` and for text IDs. */
export const RECORD_ID_LENGTH_MAX = 300;

/**
 * Maximum number of JSON values in one record. Most records have about ten. A benchmark run has eight per second, so a three-hour
 * run fits. The JavaScript engine needs half a minute to parse an object with millions of keys, but only 80 ms for one of this
 * size.
 */
export const RECORD_VALUES_MAX = 100_000;

/**
 * Maximum size of a record's JSON text, in bytes. A boat sends entries of up to 8 MiB, and JSON escapes may double that. One
 * statement stores a record and one answer returns it, so this limit applies to both.
 */
export const RECORD_SIZE_MAX_BYTES = 16 * 1_048_576;

/** A record of any category. Its `record_id` is unique within installation and category, and stable across exports. */
export const RecordSchema = Type.Object({
  record_id: Type.String({ minLength: 1, maxLength: RECORD_ID_LENGTH_MAX }),
});
export type ExportRecord = Static<typeof RecordSchema> & Readonly<Record<string, unknown>>;

const sectionFacts = {
  category: Type.Enum([...CATEGORIES]),
  state: Type.Optional(Type.Enum([...CATEGORY_STATES])),
  entry_count: Type.Optional(Type.Integer({ minimum: 0 })),
  note: Type.Optional(Type.String()),
  error: Type.Optional(Type.String()),
};

/**
 * A category's section: `entries` for lists, `data` for the three document categories. Central checks each record separately.
 */
export const SectionSchema = Type.Object({
  ...sectionFacts,
  entries: Type.Optional(Type.Array(Type.Unknown())),
  data: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
});
export type Section = Static<typeof SectionSchema>;

/**
 * The boat's clock when it created the document. Times in a document are only claims. Documents with the same `boot_id` were
 * created between the same boot and shutdown.
 */
export const BoatClockSchema = Type.Object({
  synchronized: Type.Boolean(),
  boot_id: Type.String({ maxLength: 64 }),
});

const LEDGER_ID_PATTERN = '^[0-9a-f]{16}$';

/**
 * Maximum number of withdrawn sequences in one document (R59). The list adds a few KB to every part, and a boat withdraws fewer
 * exports than this in a year.
 */
export const WITHDRAWN_SEQUENCES_MAX = 200;

/** Maximum number of reinstated sequences in one document (R111). Owners rarely retry exports, and only one at a time. */
export const REINSTATED_SEQUENCES_MAX = 100;

/**
 * Maximum number of exports in `open_exports` (R72). The list adds at most 6 KB to every part. A boat with more waiting exports
 * delivers the oldest first, so its documents together still name every export.
 */
export const OPEN_EXPORTS_MAX = 100;

/**
 * Maximum number of ledgers in `former_ledger_ids` (R104). The list adds at most 160 bytes to every part. A boat's card is
 * restored from an image only a few times in its life.
 */
export const FORMER_LEDGERS_MAX = 8;

/** An undelivered export of a ledger, with its sequence. */
export const OpenExportSchema = Type.Object({
  sequence: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  export_id: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,80}$' }),
});
export type OpenExport = Static<typeof OpenExportSchema>;

/** Every member of a document except its records. The four legacy keys come first (docs/spec/delivery.md, "Making an export"). */
export const DocumentHeaderSchema = Type.Object({
  installation_id: Type.String({ pattern: INSTALLATION_ID_PATTERN }),
  export_timestamp: Type.String({ maxLength: 40 }),
  format_version: Type.Literal(FORMAT_VERSION),
  export_id: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,80}$' }),
  export_type: Type.Enum(['full', 'incremental']),
  tier: Type.Integer({ minimum: 0, maximum: 3 }),
  trigger: Type.Enum(['manual', 'scheduled', 'boot']),
  /**
   * Counts from 1. R57: "A boat MUST number the exports of one ledger in `sequence`, and MUST NOT use a number for two
   * exports."
   */
  sequence: Type.Integer({ minimum: 1 }),
  /** The ledger to which the sequence belongs (R58). A reflashed boat begins a new ledger, and its sequences restart at 1. */
  ledger_id: Type.String({ pattern: LEDGER_ID_PATTERN }),
  software_version: Type.String({ maxLength: 40 }),
  clock: BoatClockSchema,
  /**
   * Exports of this ledger that failed or were cancelled before this export was created (R59, decision 0027). They may never
   * arrive, but their records are in this export or a later one.
   */
  withdrawn_sequences: Type.Optional(
    Type.Array(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }), {
      maxItems: WITHDRAWN_SEQUENCES_MAX,
    }),
  ),
  /**
   * Exports of this ledger that were retried after they had failed or were cancelled (R111, decision 0044). An earlier document
   * may have withdrawn them, but they may still arrive, or have arrived.
   */
  reinstated_sequences: Type.Optional(
    Type.Array(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }), {
      maxItems: REINSTATED_SEQUENCES_MAX,
    }),
  ),
  /**
   * Exports of this ledger that were waiting or had failed when this export was created (R72, decision 0033). If the ledger
   * returns to an older state, central can detect that another export reuses their sequences.
   */
  open_exports: Type.Optional(Type.Array(OpenExportSchema, { maxItems: OPEN_EXPORTS_MAX })),
  /** Ledgers that this one replaced, newest first (R104, decision 0033). Their exports may still reach central in a bundle. */
  former_ledger_ids: Type.Optional(
    Type.Array(Type.String({ pattern: LEDGER_ID_PATTERN }), { maxItems: FORMER_LEDGERS_MAX }),
  ),
});
export type DocumentHeader = Static<typeof DocumentHeaderSchema>;

/**
 * The document as sent. docs/spec/protocol.md R13: "Central MUST accept a document that has only the legacy keys
 * `installation_id`, `export_timestamp`, `format_version` and `data`."
 */
export const ExportDocumentSchema = Type.Object({
  installation_id: Type.String({ pattern: INSTALLATION_ID_PATTERN }),
  export_timestamp: Type.String({ maxLength: 40 }),
  format_version: Type.Literal(FORMAT_VERSION),
  export_id: Type.Optional(DocumentHeaderSchema.properties.export_id),
  export_type: Type.Optional(DocumentHeaderSchema.properties.export_type),
  tier: Type.Optional(DocumentHeaderSchema.properties.tier),
  trigger: Type.Optional(DocumentHeaderSchema.properties.trigger),
  sequence: Type.Optional(DocumentHeaderSchema.properties.sequence),
  ledger_id: Type.Optional(DocumentHeaderSchema.properties.ledger_id),
  software_version: Type.Optional(DocumentHeaderSchema.properties.software_version),
  clock: Type.Optional(BoatClockSchema),
  withdrawn_sequences: DocumentHeaderSchema.properties.withdrawn_sequences,
  reinstated_sequences: DocumentHeaderSchema.properties.reinstated_sequences,
  open_exports: DocumentHeaderSchema.properties.open_exports,
  former_ledger_ids: DocumentHeaderSchema.properties.former_ledger_ids,
  part: Type.Optional(PartSchema),
  data: Type.Partial(
    // The type of Object.fromEntries loses the nine key names.
    Type.Object(
      Object.fromEntries(CATEGORIES.map((c) => [c, SectionSchema])) as Record<Category, typeof SectionSchema>,
    ),
  ),
});
export type ExportDocument = Static<typeof ExportDocumentSchema>;
