/**
 * Adds the last key for bundles that a boat sent and that is not the one that central keeps in `bundle_key` (decision 0036). It is
 * null until the boat sends one.
 */
export const BUNDLE_KEYS_SQL = `
alter table installations add column offered_bundle_key text;
`;
