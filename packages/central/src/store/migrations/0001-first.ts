/** Columns of every record table. The installation comes first, so that tables can be partitioned or distributed by it. */
const RECORD_COLUMNS = `
  installation_id text not null,
  record_id text not null,
  recorded_at timestamptz,
  ledger_id text,
  sequence bigint,
  export_id text not null,
  part_index integer not null,
  import_id text not null,
  sha256 text not null,
  received_at timestamptz not null,
  record jsonb not null`;

/** This step's record tables and their additional columns. They are written out, because a released step never changes. */
const OWN_COLUMNS = {
  engine_benchmark: '',
  boatlog: ', entry_type text, latitude double precision, longitude double precision',
  marine_vision_captures: ', species text, latitude double precision, longitude double precision',
  marine_vision_snapshots: ', slot text',
  qr_codes: '',
  settings: '',
  system_alerts: ', severity text, status text',
  onboarding: '',
  telemetry: '',
};

const RECORD_TABLES = Object.entries(OWN_COLUMNS)
  .map(
    ([category, columns]) => `
create table records_${category} (${RECORD_COLUMNS}${columns},
  primary key (installation_id, record_id)
);
create index records_${category}_time on records_${category} (installation_id, recorded_at);`,
  )
  .join('\n');

/**
 * The first schema. Claims of boats (`export_timestamp`, `recorded_at`, `claimed_tier`) are stored beside central's own times
 * (`received_at`, `last_heard_at`). Every key begins with the installation and there are no foreign keys, so that each table can
 * be distributed by installation.
 */
export const FIRST_SQL = `
create table installations (
  installation_id text primary key,
  tier smallint,
  claimed_tier smallint,
  enrolled_at timestamptz not null,
  is_disabled boolean not null default false,
  is_id_token boolean not null default false,
  last_heard_at timestamptz,
  last_export_id text,
  last_export_timestamp text,
  last_ledger_id text,
  last_sequence bigint,
  software_version text,
  documents bigint not null default 0,
  records bigint not null default 0,
  rejected bigint not null default 0,
  wire_bytes bigint not null default 0,
  decoded_bytes bigint not null default 0
);

create table device_tokens (
  installation_id text not null,
  token_sha256 text not null,
  issued_at timestamptz not null,
  revoked_at timestamptz,
  primary key (installation_id, token_sha256)
);
create index device_tokens_digest on device_tokens (token_sha256);

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
  received_at timestamptz not null,
  primary key (installation_id, idempotency_key)
);
create index imports_sequence on imports (installation_id, ledger_id, sequence);
create index imports_time on imports (installation_id, received_at);

create table rejected_records (
  installation_id text not null,
  import_id text not null,
  ordinal integer not null,
  category text not null,
  record_id text not null,
  reason text not null,
  record text,
  received_at timestamptz not null,
  primary key (installation_id, import_id, ordinal)
);
${RECORD_TABLES}
`;
