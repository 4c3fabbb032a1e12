/**
 * Adds enrolment codes, the accounts and sessions of operators, and failed logins (decision 0038). Codes and session IDs are
 * stored only as digests. `token_sha256` is the digest of the token that redeemed a code, so that a boat may repeat a request
 * whose answer was lost.
 */
export const IDENTITY_SQL = `
create table enrolment_codes (
  installation_id text not null,
  code_sha256 text not null,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  token_expires_days integer,
  redeemed_at timestamptz,
  token_sha256 text,
  primary key (installation_id, code_sha256)
);
create index enrolment_codes_digest on enrolment_codes (code_sha256);

create table operators (
  name text primary key,
  role text not null check (role in ('viewer', 'admin')),
  password_hash text not null,
  created_at timestamptz not null,
  password_changed_at timestamptz not null
);

create table operator_sessions (
  session_sha256 text primary key,
  operator_name text not null,
  created_at timestamptz not null,
  last_used_at timestamptz not null
);
create index operator_sessions_operator on operator_sessions (operator_name, created_at);

create table login_failures (
  subject text primary key,
  failures double precision not null,
  last_at timestamptz not null
);
`;
