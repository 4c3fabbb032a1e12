/**
 * An installation ID: 16 lowercase hex digits, created at first boot. It is not a secret (docs/spec/sources.md, "Tier and
 * licence").
 */
export const INSTALLATION_ID_PATTERN = '^[0-9a-f]{16}$';

const pattern = new RegExp(INSTALLATION_ID_PATTERN);

/** Returns true for 16 lowercase hex digits. The ID is empty on cloned images, which must not export. */
export function isInstallationId(value: unknown): value is string {
  return typeof value === 'string' && pattern.test(value);
}

/** The service tier: 0 allows no exports, 1 manual exports, 2 and 3 manual and scheduled exports. */
export type Tier = 0 | 1 | 2 | 3;

/** The lowest tier with scheduled exports (docs/spec/sources.md, "Tier and licence"). */
export const SCHEDULED_TIER_MIN: Tier = 2;

/** Returns true for the integers 0 to 3. */
export function isTier(value: unknown): value is Tier {
  return value === 0 || value === 1 || value === 2 || value === 3;
}
