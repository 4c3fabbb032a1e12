/** Adds the sequences that a document withdraws (decision 0027). */
export const WITHDRAWN_SEQUENCES_SQL = `
alter table imports add column withdrawn_sequences bigint[];
`;
