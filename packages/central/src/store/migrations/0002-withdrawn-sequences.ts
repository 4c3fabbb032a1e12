/** Adds the sequences of withdrawn exports that a document names (decision 0027). */
export const WITHDRAWN_SEQUENCES_SQL = `
alter table imports add column withdrawn_sequences bigint[];
`;
