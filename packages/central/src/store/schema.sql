create table audit_events (
  installation_id text not null,
  occurred_at timestamp with time zone not null,
  event text not null,
  subject text not null,
  actor text not null,
  detail text not null,
  occurrences integer not null,
  last_at timestamp with time zone not null,
  constraint audit_events_pkey PRIMARY KEY (installation_id, occurred_at, event, subject)
);
CREATE INDEX audit_events_time ON public.audit_events USING btree (occurred_at);

create table boat_names (
  installation_id text not null,
  name_key text not null,
  grams text[] not null,
  constraint boat_names_pkey PRIMARY KEY (installation_id)
);
CREATE INDEX boat_names_grams ON public.boat_names USING gin (grams);

create table device_tokens (
  installation_id text not null,
  token_sha256 text not null,
  issued_at timestamp with time zone not null,
  revoked_at timestamp with time zone,
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  constraint device_tokens_pkey PRIMARY KEY (installation_id, token_sha256)
);
CREATE INDEX device_tokens_digest ON public.device_tokens USING btree (token_sha256);

create table enrolment_codes (
  installation_id text not null,
  code_sha256 text not null,
  issued_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  token_expires_days integer,
  redeemed_at timestamp with time zone,
  token_sha256 text,
  constraint enrolment_codes_pkey PRIMARY KEY (installation_id, code_sha256)
);
CREATE INDEX enrolment_codes_digest ON public.enrolment_codes USING btree (code_sha256);

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
  hour timestamp with time zone not null,
  imports bigint not null,
  records bigint not null,
  wire_bytes bigint not null,
  constraint fleet_hours_pkey PRIMARY KEY (shard, hour)
);

create table fleet_snapshots (
  name text not null,
  computed_at timestamp with time zone not null,
  answer jsonb not null,
  constraint fleet_snapshots_pkey PRIMARY KEY (name)
);

create table fleet_totals (
  id integer not null,
  computed_at timestamp with time zone not null,
  installations bigint not null,
  documents bigint not null,
  records bigint not null,
  rejected bigint not null,
  concurrent bigint not null,
  diverged bigint not null,
  constraint fleet_totals_pkey PRIMARY KEY (id)
);

create table imports (
  installation_id text not null,
  idempotency_key text not null,
  import_id text not null,
  export_id text not null,
  part_index integer not null,
  part_count integer not null,
  sha256 text not null,
  receipt json not null,
  ledger_id text,
  sequence bigint,
  export_type text,
  export_timestamp text not null,
  software_version text,
  sections jsonb not null,
  content_coding text not null,
  wire_bytes bigint not null,
  decoded_bytes bigint not null,
  received_at timestamp with time zone not null,
  withdrawn_sequences bigint[],
  constraint imports_pkey PRIMARY KEY (installation_id, idempotency_key)
);
CREATE INDEX imports_sequence ON public.imports USING btree (installation_id, ledger_id, sequence);
CREATE INDEX imports_time ON public.imports USING btree (installation_id, received_at);

create table installation_holdings (
  installation_id text not null,
  category text not null,
  records bigint not null,
  bytes bigint not null,
  constraint installation_holdings_pkey PRIMARY KEY (installation_id, category)
);

create table installation_usage (
  installation_id text not null,
  day date not null,
  stored_bytes bigint not null,
  records bigint not null,
  requests bigint not null,
  cpu_ms bigint not null,
  constraint installation_usage_pkey PRIMARY KEY (installation_id, day)
);

create table installations (
  installation_id text not null,
  tier smallint,
  claimed_tier smallint,
  enrolled_at timestamp with time zone not null,
  is_disabled boolean not null default false,
  is_id_token boolean not null default false,
  last_heard_at timestamp with time zone,
  last_export_id text,
  last_export_timestamp text,
  last_ledger_id text,
  last_sequence bigint,
  software_version text,
  documents bigint not null default 0,
  records bigint not null default 0,
  rejected bigint not null default 0,
  wire_bytes bigint not null default 0,
  decoded_bytes bigint not null default 0,
  quota_stored_bytes bigint,
  quota_records bigint,
  quota_requests bigint,
  quota_cpu_ms bigint,
  bundle_key text,
  offered_bundle_key text,
  missing_sequences bigint not null default 0,
  held_records bigint not null default 0,
  held_bytes bigint not null default 0,
  concurrent_ledgers integer not null default 0,
  boat_name text,
  boat_name_key text,
  arrival_intervals integer[] not null default '{}'::integer[],
  arrived_at timestamp with time zone,
  usual_silence_s integer,
  due_at timestamp with time zone,
  position_latitude double precision,
  position_longitude double precision,
  position_at timestamp with time zone,
  last_part_index integer,
  last_part_count integer,
  last_rejected_at timestamp with time zone,
  refused_at timestamp with time zone,
  refusal text,
  gap_since timestamp with time zone,
  constraint installations_pkey PRIMARY KEY (installation_id)
);
CREATE INDEX installations_attention ON public.installations USING btree (last_heard_at, installation_id) WHERE ((refused_at IS NOT NULL) OR (gap_since IS NOT NULL) OR (last_rejected_at IS NOT NULL) OR (concurrent_ledgers > 0));
CREATE INDEX installations_due ON public.installations USING btree (due_at, installation_id);
CREATE INDEX installations_heard ON public.installations USING btree (last_heard_at, installation_id);
CREATE INDEX installations_look ON public.installations USING btree (last_heard_at, installation_id) WHERE ((refused_at IS NOT NULL) OR (gap_since IS NOT NULL) OR (last_rejected_at IS NOT NULL));
CREATE INDEX installations_name ON public.installations USING btree (boat_name_key, installation_id);
CREATE INDEX installations_position ON public.installations USING btree (position_latitude, position_longitude) WHERE (position_latitude IS NOT NULL);
CREATE INDEX installations_size ON public.installations USING btree (held_bytes, installation_id);

create table ledger_exports (
  installation_id text not null,
  ledger_id text not null,
  sequence bigint not null,
  export_id text not null,
  part_count integer,
  parts_held integer,
  constraint ledger_exports_pkey PRIMARY KEY (installation_id, ledger_id, sequence)
);

create table ledger_gaps (
  installation_id text not null,
  ledger_id text not null,
  first_sequence bigint not null,
  last_sequence bigint not null,
  is_withdrawn boolean not null,
  constraint ledger_gaps_pkey PRIMARY KEY (installation_id, ledger_id, first_sequence)
);
CREATE INDEX ledger_gaps_missing ON public.ledger_gaps USING btree (installation_id, ledger_id, first_sequence) WHERE (NOT is_withdrawn);

create table ledgers (
  installation_id text not null,
  ledger_id text not null,
  ledger_no integer not null,
  first_received_at timestamp with time zone not null,
  last_received_at timestamp with time zone not null,
  highest_sequence bigint,
  diverged_at timestamp with time zone,
  concurrent_at timestamp with time zone,
  held_through bigint,
  missing_count bigint not null default 0,
  withdrawn_count bigint not null default 0,
  former_ledger_ids jsonb not null default '[]'::jsonb,
  constraint ledgers_pkey PRIMARY KEY (installation_id, ledger_id)
);
CREATE INDEX ledgers_concurrent ON public.ledgers USING btree (installation_id) WHERE (concurrent_at IS NOT NULL);
CREATE INDEX ledgers_diverged ON public.ledgers USING btree (installation_id) WHERE (diverged_at IS NOT NULL);
CREATE INDEX ledgers_order ON public.ledgers USING btree (installation_id, ledger_no);

create table login_failures (
  subject text not null,
  failures double precision not null,
  last_at timestamp with time zone not null,
  constraint login_failures_pkey PRIMARY KEY (subject)
);

create table operator_sessions (
  session_sha256 text not null,
  operator_name text not null,
  created_at timestamp with time zone not null,
  last_used_at timestamp with time zone not null,
  constraint operator_sessions_pkey PRIMARY KEY (session_sha256)
);
CREATE INDEX operator_sessions_operator ON public.operator_sessions USING btree (operator_name, created_at);

create table operators (
  name text not null,
  role text not null,
  password_hash text not null,
  created_at timestamp with time zone not null,
  password_changed_at timestamp with time zone not null,
  constraint operators_pkey PRIMARY KEY (name),
  constraint operators_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'admin'::text])))
);

create table records_boatlog (
  installation_id text not null,
  record_id text not null,
  recorded_at timestamp with time zone,
  ledger_id text,
  sequence bigint,
  export_id text not null,
  part_index integer not null,
  import_id text not null,
  sha256 text,
  received_at timestamp with time zone not null,
  record jsonb not null,
  entry_type text,
  latitude double precision,
  longitude double precision,
  constraint records_boatlog_pkey PRIMARY KEY (installation_id, record_id)
);
CREATE INDEX records_boatlog_time ON public.records_boatlog USING btree (installation_id, recorded_at);

create table records_engine_benchmark (
  installation_id text not null,
  record_id text not null,
  recorded_at timestamp with time zone,
  ledger_id text,
  sequence bigint,
  export_id text not null,
  part_index integer not null,
  import_id text not null,
  sha256 text,
  received_at timestamp with time zone not null,
  record jsonb not null,
  constraint records_engine_benchmark_pkey PRIMARY KEY (installation_id, record_id)
);
CREATE INDEX records_engine_benchmark_time ON public.records_engine_benchmark USING btree (installation_id, recorded_at);

create table records_marine_vision_captures (
  installation_id text not null,
  record_id text not null,
  recorded_at timestamp with time zone,
  ledger_id text,
  sequence bigint,
  export_id text not null,
  part_index integer not null,
  import_id text not null,
  sha256 text,
  received_at timestamp with time zone not null,
  record jsonb not null,
  species text,
  latitude double precision,
  longitude double precision,
  constraint records_marine_vision_captures_pkey PRIMARY KEY (installation_id, record_id)
);
CREATE INDEX records_marine_vision_captures_time ON public.records_marine_vision_captures USING btree (installation_id, recorded_at);

create table records_marine_vision_snapshots (
  installation_id text not null,
  record_id text not null,
  recorded_at timestamp with time zone,
  ledger_id text,
  sequence bigint,
  export_id text not null,
  part_index integer not null,
  import_id text not null,
  sha256 text,
  received_at timestamp with time zone not null,
  record jsonb not null,
  slot text,
  constraint records_marine_vision_snapshots_pkey PRIMARY KEY (installation_id, record_id)
);
CREATE INDEX records_marine_vision_snapshots_time ON public.records_marine_vision_snapshots USING btree (installation_id, recorded_at);

create table records_onboarding (
  installation_id text not null,
  record_id text not null,
  recorded_at timestamp with time zone,
  ledger_id text,
  sequence bigint,
  export_id text not null,
  part_index integer not null,
  import_id text not null,
  sha256 text,
  received_at timestamp with time zone not null,
  record jsonb not null,
  constraint records_onboarding_pkey PRIMARY KEY (installation_id, record_id)
);
CREATE INDEX records_onboarding_time ON public.records_onboarding USING btree (installation_id, recorded_at);

create table records_qr_codes (
  installation_id text not null,
  record_id text not null,
  recorded_at timestamp with time zone,
  ledger_id text,
  sequence bigint,
  export_id text not null,
  part_index integer not null,
  import_id text not null,
  sha256 text,
  received_at timestamp with time zone not null,
  record jsonb not null,
  constraint records_qr_codes_pkey PRIMARY KEY (installation_id, record_id)
);
CREATE INDEX records_qr_codes_time ON public.records_qr_codes USING btree (installation_id, recorded_at);

create table records_settings (
  installation_id text not null,
  record_id text not null,
  recorded_at timestamp with time zone,
  ledger_id text,
  sequence bigint,
  export_id text not null,
  part_index integer not null,
  import_id text not null,
  sha256 text,
  received_at timestamp with time zone not null,
  record jsonb not null,
  constraint records_settings_pkey PRIMARY KEY (installation_id, record_id)
);
CREATE INDEX records_settings_time ON public.records_settings USING btree (installation_id, recorded_at);

create table records_system_alerts (
  installation_id text not null,
  record_id text not null,
  recorded_at timestamp with time zone,
  ledger_id text,
  sequence bigint,
  export_id text not null,
  part_index integer not null,
  import_id text not null,
  sha256 text,
  received_at timestamp with time zone not null,
  record jsonb not null,
  severity text,
  status text,
  constraint records_system_alerts_pkey PRIMARY KEY (installation_id, record_id)
);
CREATE INDEX records_system_alerts_time ON public.records_system_alerts USING btree (installation_id, recorded_at);

create table records_telemetry (
  installation_id text not null,
  record_id text not null,
  recorded_at timestamp with time zone,
  ledger_id text,
  sequence bigint,
  export_id text not null,
  part_index integer not null,
  import_id text not null,
  sha256 text,
  received_at timestamp with time zone not null,
  record jsonb not null,
  constraint records_telemetry_pkey PRIMARY KEY (installation_id, record_id)
);
CREATE INDEX records_telemetry_time ON public.records_telemetry USING btree (installation_id, recorded_at);

create table rejected_records (
  installation_id text not null,
  import_id text not null,
  ordinal integer not null,
  category text not null,
  record_id text not null,
  reason text not null,
  record text,
  received_at timestamp with time zone not null,
  constraint rejected_records_pkey PRIMARY KEY (installation_id, import_id, ordinal)
);
CREATE INDEX rejected_records_time ON public.rejected_records USING btree (installation_id, received_at, import_id, ordinal);

create table schema_migrations (
  name text not null,
  sha256 text not null,
  applied_at timestamp with time zone not null,
  constraint schema_migrations_pkey PRIMARY KEY (name)
);

create table withdrawn_sequences (
  installation_id text not null,
  ledger_id text not null,
  sequence bigint not null,
  constraint withdrawn_sequences_pkey PRIMARY KEY (installation_id, ledger_id, sequence)
);
