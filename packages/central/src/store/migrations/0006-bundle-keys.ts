/**
 * Adds the last bundle key from a boat that differs from the one kept in `bundle_key` (decision 0036). It is null until the boat
 * sends one.
 */
export const BUNDLE_KEYS_SQL = `
alter table installations add column offered_bundle_key text;
`;
