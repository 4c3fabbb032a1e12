/**
 * Adds what the operator's list of boats is sorted, searched and filtered by. An import maintains these columns, so that the list
 * never reads a history.
 *
 * `boat_name_key` is the name in lower case, by which the list is searched and sorted. `arrival_intervals` has
 * the newest silences between two exports in seconds, the oldest first, and `arrived_at` the end of the last
 * one. `due_at` is the time from which the boat counts as late; null for a boat from which no export is due.
 * `refused_at` and `refusal` are the newest request of the boat that was refused since its last import;
 * `gap_since` is when the first gap appeared after a time without any. `fleet_hours` counts imports per hour in
 * shards, because one row for all boats would let only one import commit at a time.
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
create index installations_gap on installations (gap_since) where gap_since is not null;
create index installations_rejected on installations (last_rejected_at) where last_rejected_at is not null;
create index installations_refused on installations (refused_at) where refused_at is not null;
create index rejected_records_time on rejected_records (installation_id, received_at, import_id, ordinal);

create table fleet_hours (
  shard smallint not null,
  hour timestamptz not null,
  imports bigint not null,
  records bigint not null,
  wire_bytes bigint not null,
  primary key (shard, hour)
);
`;
