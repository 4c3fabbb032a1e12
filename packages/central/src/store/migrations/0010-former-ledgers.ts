/** Adds the ledgers that a ledger replaced, the newest first (R104, decision 0033): an array of ledger IDs. */
export const FORMER_LEDGERS_SQL = `
alter table ledgers add column former_ledger_ids jsonb not null default '[]';
`;
