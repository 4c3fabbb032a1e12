/**
 * Adds each installation's ledgers, numbered in the order in which central first stored an export from them, and the export that
 * has each sequence (decision 0033). Both are filled from the existing imports. A sequence that two exports used belongs to the
 * one that arrived first.
 */
export const LEDGERS_SQL = `
create table ledgers (
  installation_id text not null,
  ledger_id text not null,
  ledger_no integer not null,
  first_received_at timestamptz not null,
  last_received_at timestamptz not null,
  highest_sequence bigint,
  diverged_at timestamptz,
  concurrent_at timestamptz,
  primary key (installation_id, ledger_id)
);
insert into ledgers (installation_id, ledger_id, ledger_no, first_received_at, last_received_at, highest_sequence)
select installation_id, ledger_id,
  row_number() over (partition by installation_id order by min(received_at), ledger_id),
  min(received_at), max(received_at), max(sequence)
from imports where ledger_id is not null group by installation_id, ledger_id;

create table ledger_exports (
  installation_id text not null,
  ledger_id text not null,
  sequence bigint not null,
  export_id text not null,
  primary key (installation_id, ledger_id, sequence)
);
insert into ledger_exports (installation_id, ledger_id, sequence, export_id)
select distinct on (installation_id, ledger_id, sequence) installation_id, ledger_id, sequence, export_id
from imports where ledger_id is not null and sequence is not null
order by installation_id, ledger_id, sequence, received_at, export_id;
`;
