/** What a document says of exports that will not come; decision 0027. */
export const WITHDRAWN_SEQUENCES_SQL = `
alter table imports add column withdrawn_sequences bigint[];
`;
