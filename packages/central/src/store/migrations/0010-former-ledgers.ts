/** Adds the IDs of the ledgers that a ledger replaced, newest first (R104, decision 0033). */
export const FORMER_LEDGERS_SQL = `
alter table ledgers add column former_ledger_ids jsonb not null default '[]';
`;
