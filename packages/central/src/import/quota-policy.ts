/** The resources that an installation has used, or may use, in one day (UTC). */
export interface Use {
  /** Bytes of rows, including an estimate of the database's overhead. */
  readonly storedBytes: number;
  readonly records: number;
  readonly requests: number;
  /** The nodes' CPU time, including an estimate for the database. */
  readonly cpuMs: number;
}

/** The quotas, in the order in which they are checked. */
export const QUOTA_AMOUNTS = [
  'storedBytes',
  'records',
  'requests',
  'cpuMs',
] as const satisfies readonly (keyof Use)[];
export type QuotaAmount = (typeof QUOTA_AMOUNTS)[number];

/** The usage of an installation that has sent nothing. */
export const NOTHING_USED: Use = { storedBytes: 0, records: 0, requests: 0, cpuMs: 0 };

/**
 * An installation's default daily quota. A log of 1,000,000 entries in parts of 1 MiB stays below every quota. A boat with a
 * longer log can send the rest on the next day.
 */
export const DEFAULT_QUOTA: Use = {
  storedBytes: 1_024 * 1_048_576,
  records: 2_000_000,
  requests: 20_000,
  cpuMs: 3_600_000,
};

/** An installation's individual limits. Null where the default applies. */
export type QuotaOverride = { readonly [Amount in QuotaAmount]: number | null };

/**
 * Measured number of bytes that a record needs in addition to its row: the header, the key, two index entries, and free space in
 * pages.
 */
const RECORD_OVERHEAD_BYTES = 300;

/** Bytes that a part needs in addition to its records: its row, its receipt and its index entries. */
const PART_OVERHEAD_BYTES = 2_000;

/** Returns the bytes that a part needs in the database. */
export function estimateStoredBytes(sizeBytes: number, records: number, rejectedLength: number): number {
  return sizeBytes + records * RECORD_OVERHEAD_BYTES + rejectedLength + PART_OVERHEAD_BYTES;
}

/** Returns the quota that an installation would exceed, or undefined. A null in `override` selects the default. */
export function findExceeded(
  used: Use,
  adding: Use,
  quota: Use,
  override: QuotaOverride,
): QuotaAmount | undefined {
  return QUOTA_AMOUNTS.find((amount) => used[amount] + adding[amount] > (override[amount] ?? quota[amount]));
}
