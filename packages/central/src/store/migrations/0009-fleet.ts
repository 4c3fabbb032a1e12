/**
 * Adds the columns by which the operator's list of boats is sorted, searched and filtered. Imports maintain them, so that the
 * list never reads a boat's history.
 *
 * `boat_name_key` is the name in lower case, by which the list is searched and sorted. `arrival_intervals` has the most recent
 * silences between two exports in seconds, oldest first, and `arrived_at` is the end of the last one. `due_at` is the time from
 * which the boat counts as late; null for a boat from which no export is due. `refused_at` and `refusal` describe the latest
 * request that was refused since the boat's last import. `gap_since` is when the oldest current gap appeared.
 * `installations_look` indexes the few boats that may need attention, in the order of the list. `boat_names` indexes every run of
 * up to three characters of each name, for the search. `fleet_snapshots` and `fleet_cells` store the last computed figures about
 * a large fleet. `fleet_hours` counts imports per hour in shards, because one row for all boats would let only one import commit
 * at a time.
 */
export const FLEET_SQL = `
alter table installations add column boat_name text;
alter table installations add column boat_name_key text collate "C";
alter table installations add column arrival_intervals integer[] not null default '{}';
alter table installations add column arrived_at timestamptz;
alter table installations add column usual_silence_s integer;
alter table installations add column due_at timestamptz;
alter table installations add column position_latitude double precision;
alter table installations add column position_longitude double precision;
alter table installations add column position_at timestamptz;
alter table installations add column last_part_index integer;
alter table installations add column last_part_count integer;
alter table installations add column last_rejected_at timestamptz;
alter table installations add column refused_at timestamptz;
alter table installations add column refusal text;
alter table installations add column gap_since timestamptz;
update installations set gap_since = last_heard_at where missing_sequences > 0;
create index installations_due on installations (due_at, installation_id);
create index installations_heard on installations (last_heard_at, installation_id);
create index installations_name on installations (boat_name_key, installation_id);
create index installations_size on installations (held_bytes, installation_id);
create index installations_position on installations (position_latitude, position_longitude) where position_latitude is not null;
create index installations_look on installations (last_heard_at, installation_id)
  where refused_at is not null or gap_since is not null or last_rejected_at is not null;
create index rejected_records_time on rejected_records (installation_id, received_at, import_id, ordinal);

create table boat_names (
  installation_id text primary key,
  name_key text not null collate "C",
  grams text[] not null
);
create index boat_names_grams on boat_names using gin (grams);

create table fleet_snapshots (
  name text primary key,
  computed_at timestamptz not null,
  answer jsonb not null
);

create table fleet_cells (
  latitude double precision not null,
  longitude double precision not null,
  boats bigint not null,
  late bigint not null,
  installation_id text not null,
  south double precision not null,
  north double precision not null,
  west double precision not null,
  east double precision not null
);

create table fleet_hours (
  shard smallint not null,
  hour timestamptz not null,
  imports bigint not null,
  records bigint not null,
  wire_bytes bigint not null,
  primary key (shard, hour)
);
`;
