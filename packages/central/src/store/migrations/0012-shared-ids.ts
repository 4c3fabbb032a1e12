/**
 * Replaces `installations_look`: indexes the boats that may need attention in the order of the list, now also those whose ID two or
 * more machines use. A later step can drop `installations_look`.
 */
export const SHARED_IDS_SQL = `
create index installations_attention on installations (last_heard_at, installation_id)
  where refused_at is not null or gap_since is not null or last_rejected_at is not null or concurrent_ledgers > 0;
`;
