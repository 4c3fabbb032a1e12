import type { FleetExports } from '../api/fleet-schemas.ts';
import type { Queryable, Row } from '../platform/ports.ts';
import { numberOf, numberOrNullOf, textOf, textOrNullOf, utcText } from '../store/row.ts';

/** Sequence of a ledger's first export (docs/spec/delivery.md). */
const FIRST_SEQUENCE = 1;

/** Selects a page of exports: its position and its maximum length. */
export interface ExportsQuery {
  readonly installationId: string;
  /** Only exports with a lower sequence are returned. */
  readonly before: number | undefined;
  readonly limit: number;
}

/**
 * Returns exports of the newest ledger, newest first, with an entry for every sequence starting at 1. Its cost depends only on
 * the limit and on how many parts these exports have.
 */
export async function listExports(
  store: Queryable,
  { installationId, before, limit }: ExportsQuery,
  nowIso: string,
): Promise<FleetExports> {
  const [ledger] = await store.query(
    `select l.ledger_id, l.highest_sequence::float8 as highest
     from installations i join ledgers l on l.installation_id = i.installation_id and l.ledger_id = i.last_ledger_id
     where i.installation_id = $1::text`,
    [installationId],
  );
  const nothing = { status: 'success', as_of: nowIso, exports: [], next: null } as const;
  if (ledger === undefined) return { ...nothing, ledger_id: null };
  const ledgerId = textOf(ledger, 'ledger_id');
  const highest = numberOrNullOf(ledger, 'highest');
  if (highest === null) return { ...nothing, ledger_id: ledgerId };
  const last = Math.min(highest, (before ?? Number.POSITIVE_INFINITY) - 1);
  const first = Math.max(FIRST_SEQUENCE, last - limit + 1);
  if (last < first) return { ...nothing, ledger_id: ledgerId };
  const rows = await store.query(EXPORTS_SQL, [installationId, ledgerId, first, last]);
  return {
    ...nothing,
    ledger_id: ledgerId,
    exports: rows.map(toExport),
    next: first > FIRST_SEQUENCE ? first : null,
  };
}

const EXPORTS_SQL = `
select s.sequence::float8 as sequence, e.export_id, coalesce(e.parts_held, 0) as parts_held, e.part_count,
  w.sequence is not null as is_withdrawn, p.received_at, p.export_timestamp, p.export_type,
  coalesce(p.wire_bytes, 0)::float8 as wire_bytes
from generate_series($3::bigint, $4::bigint) as s(sequence)
  left join ledger_exports e on e.installation_id = $1::text and e.ledger_id = $2::text and e.sequence = s.sequence
  left join withdrawn_sequences w on w.installation_id = $1::text and w.ledger_id = $2::text and w.sequence = s.sequence
  left join (
    select sequence, export_id, ${utcText('max(received_at)')} as received_at, max(export_timestamp) as export_timestamp,
      max(export_type) as export_type, sum(wire_bytes) as wire_bytes
    from imports where installation_id = $1::text and ledger_id = $2::text and sequence between $3::bigint and $4::bigint
    group by sequence, export_id
  ) p on p.sequence = s.sequence and p.export_id = e.export_id
order by s.sequence desc`;

function toExport(row: Row): FleetExports['exports'][number] {
  const [held, parts] = [numberOf(row, 'parts_held'), numberOrNullOf(row, 'part_count')];
  const isWhole = parts !== null && held >= parts;
  return {
    sequence: numberOf(row, 'sequence'),
    state: isWhole
      ? 'held'
      : row['is_withdrawn'] === true
        ? 'withdrawn'
        : held > 0
          ? 'incomplete'
          : 'missing',
    export_id: textOrNullOf(row, 'export_id'),
    parts_held: held,
    parts,
    received_at: textOrNullOf(row, 'received_at'),
    made_at: textOrNullOf(row, 'export_timestamp'),
    export_type: textOrNullOf(row, 'export_type'),
    wire_bytes: numberOf(row, 'wire_bytes'),
  };
}
