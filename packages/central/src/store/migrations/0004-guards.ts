/**
 * Adds expiring tokens, quotas, usage per installation per day, the audit trail, and each boat's bundle key. Usage is kept per
 * day, so that a quota check reads one row. `audit_events` has an empty installation ID for events that belong to no
 * installation; `occurrences` counts repetitions of a refusal within an hour.
 */
export const GUARDS_SQL = `
alter table device_tokens add column expires_at timestamptz;
alter table device_tokens add column last_used_at timestamptz;

alter table installations add column quota_stored_bytes bigint;
alter table installations add column quota_records bigint;
alter table installations add column quota_requests bigint;
alter table installations add column quota_cpu_ms bigint;
alter table installations add column bundle_key text;

create table installation_usage (
  installation_id text not null,
  day date not null,
  stored_bytes bigint not null,
  records bigint not null,
  requests bigint not null,
  cpu_ms bigint not null,
  primary key (installation_id, day)
);

create table audit_events (
  installation_id text not null,
  occurred_at timestamptz not null,
  event text not null,
  subject text not null,
  actor text not null,
  detail text not null,
  occurrences integer not null,
  last_at timestamptz not null,
  primary key (installation_id, occurred_at, event, subject)
);
create index audit_events_time on audit_events (occurred_at);
`;
