import {
  type Compilable,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely';
import type { Queryable, Row } from '../platform/ports.ts';

/**
 * Columns of `imports` as central writes them. Timestamps and JSON are passed as text, which PostgreSQL converts to the column's
 * type.
 */
interface ImportsTable {
  readonly installation_id: string;
  readonly idempotency_key: string;
  readonly import_id: string;
  readonly export_id: string;
  readonly part_index: number;
  readonly part_count: number;
  readonly sha256: string;
  readonly receipt: string;
  readonly ledger_id: string | null;
  readonly sequence: number | null;
  readonly export_type: string | null;
  readonly export_timestamp: string;
  readonly software_version: string | null;
  readonly sections: string;
  readonly content_coding: string;
  readonly wire_bytes: number;
  readonly decoded_bytes: number;
  readonly received_at: string;
  /** Written as an array literal, because the drivers convert arrays differently. */
  readonly withdrawn_sequences: string | null;
}

/** Columns of `installations` that an import updates. */
interface InstallationsTable {
  readonly installation_id: string;
  readonly last_heard_at: string | null;
  readonly last_export_id: string | null;
  readonly last_export_timestamp: string | null;
  readonly last_ledger_id: string | null;
  readonly last_sequence: number | null;
  readonly missing_sequences: number;
  readonly held_records: number;
  readonly held_bytes: number;
  readonly concurrent_ledgers: number;
  readonly software_version: string | null;
  readonly claimed_tier: number | null;
  readonly documents: number;
  readonly records: number;
  readonly rejected: number;
  readonly wire_bytes: number;
  readonly decoded_bytes: number;
  /** Written as an array literal. */
  readonly arrival_intervals: string;
  readonly arrived_at: string | null;
  readonly usual_silence_s: number | null;
  readonly due_at: string | null;
  readonly refused_at: string | null;
  readonly refusal: string | null;
  readonly gap_since: string | null;
  readonly last_part_index: number;
  readonly last_part_count: number;
  readonly boat_name: string | null;
  readonly boat_name_key: string | null;
  readonly last_rejected_at: string | null;
  readonly position_latitude: number | null;
  readonly position_longitude: number | null;
  readonly position_at: string | null;
}

/** The tables that the statement builder knows. */
export interface Tables {
  readonly imports: ImportsTable;
  readonly installations: InstallationsTable;
}

/**
 * Builds PostgreSQL statements and checks their columns. It has no connection. `runStatement` runs its statements (decision
 * 0029).
 */
export const statements: Kysely<Tables> = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

/** Runs a built statement. Throws like `Queryable.query`. */
export function runStatement(store: Queryable, statement: Compilable): Promise<readonly Row[]> {
  const { sql, parameters } = statement.compile();
  return store.query(sql, parameters);
}
