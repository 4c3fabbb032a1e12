import type { Store } from '../platform/ports.ts';

/** Number of names in one statement, so that it stays below the statement's time limit. */
const NAMES_PER_STATEMENT = 5_000;

/**
 * The composition of a fleet: 3 % late, 1 % with gaps, 1 % refused, 10 % laid up, 2 % never heard, and the others heard within a
 * day. The rows are as wide as real ones.
 */
const BOATS_SQL = `
insert into installations (installation_id, tier, claimed_tier, enrolled_at, last_heard_at, last_export_id, last_export_timestamp,
  last_ledger_id, last_sequence, software_version, documents, records, rejected, wire_bytes, decoded_bytes, held_records, held_bytes,
  boat_name, boat_name_key, arrival_intervals, arrived_at, usual_silence_s, due_at, position_latitude, position_longitude, position_at,
  last_part_index, last_part_count, missing_sequences, gap_since, refused_at, refusal)
select lpad(to_hex(n), 16, '0'), 2, 2, t.now - interval '1 year', heard, 'export_' || n, to_char(heard, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
  lpad(to_hex(n), 16, 'a'), n % 500, '0.' || n % 7 || '.0', 500, n % 90000, 0, n * 7, n * 20, n % 90000, n * 15,
  'Boat ' || left(md5(n::text), 12), 'boat ' || left(md5(n::text), 12), '{86400,86400,86400,86400,86400,86400,86400,86400}', heard, 86400, heard + interval '36 hours',
  55 - (n % 977) / 20.0, (n % 1499) / 8.0 - 90, heard, 1, 1,
  case when n % 100 = 1 then 2 else 0 end, case when n % 100 = 1 then t.now - interval '3 days' end,
  case when n % 100 = 2 then t.now - interval '1 hour' end, case when n % 100 = 2 then 'INVALID_TOKEN' end
from generate_series(1, $2::int) as n, (select $1::timestamptz as now) as t,
  lateral (select case when n % 100 < 2 then null when n % 100 < 12 then t.now - interval '200 days'
    when n % 100 < 15 then t.now - interval '4 days' else t.now - (n % 1400) * interval '1 minute' end as heard) as h`;

/**
 * Inserts a large fleet in a few seconds: the rows that imports of `count` boats would have left at `nowIso`, and the imports
 * of the last 800 hours. Records and exports are not inserted.
 */
export async function insertBoats(store: Store, count: number, nowIso: string): Promise<void> {
  await store.query(BOATS_SQL, [nowIso, count]);
  await store.query(
    `insert into fleet_hours select s, $1::timestamptz - h * interval '1 hour', 40, 900, 90000
     from generate_series(0, 63) as s, generate_series(0, 800) as h`,
    [nowIso],
  );
  await insertNames(store, count);
}

/** Indexes the names as imports do. */
async function insertNames(store: Store, count: number): Promise<void> {
  for (let first = 1; first <= count; first += NAMES_PER_STATEMENT)
    await store.query(
      `insert into boat_names (installation_id, name_key, grams)
       select i.installation_id, i.boat_name_key, array(
         select distinct substr(i.boat_name_key, at, length) from generate_series(1, char_length(i.boat_name_key)) at,
           generate_series(1, 3) length where at + length - 1 <= char_length(i.boat_name_key))
       from generate_series($1::int, $2::int) n join installations i on i.installation_id = lpad(to_hex(n), 16, '0')`,
      [first, first + NAMES_PER_STATEMENT - 1],
    );
}
