/**
 * Adds the last bundle key that a boat sent and that differs from the one that central keeps in `bundle_key` (decision 0036).
 * It is null until the boat sends one.
 */
export const BUNDLE_KEYS_SQL = `
alter table installations add column offered_bundle_key text;
`;
