// Names, IDs and times that label exports.

/**
 * Formats a time as `YYYYMMDD_HHMMSS` in UTC for queue IDs and file names, as the legacy exporter did. The time is only
 * a label, because clocks can be wrong.
 */
export function toStamp(wallMs: number): string {
  const iso = new Date(wallMs).toISOString();
  return `${iso.slice(0, 10).replaceAll('-', '')}_${iso.slice(11, 19).replaceAll(':', '')}`;
}

/** Formats a time as `YYYY-MM-DDTHH:MM:SSZ` for the JSON files and the API, as the legacy exporter did. */
export function toLegacyTime(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}

/** Returns the calendar month to which sent bytes are assigned: `YYYY-MM` in UTC, by the boat's clock. */
export function toMonth(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 7);
}

/**
 * Returns the `attempt`-th name for a timestamp: without a suffix, then `_2`, `_3` and so on (docs/spec/delivery.md,
 * "Making an export").
 */
export function toNumberedName(stamp: string, attempt: number): string {
  return attempt <= 1 ? stamp : `${stamp}_${attempt}`;
}

/**
 * Returns the export ID for an export that was renumbered in a new ledger. The export gets a new ID because its documents now
 * contain a different ledger and sequence, and a key must always identify the same bytes (docs/spec/protocol.md R17).
 */
export function toRenumberedExportId(ledgerId: string, sequence: number): string {
  return `exp_${ledgerId}_${sequence}`;
}
