const zonedTime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})$/;

/** Returns the time that a record claims as ISO 8601 in UTC, or null if it has no zone or no valid date. Central does not guess. */
export function toClaimedTime(value: unknown): string | null {
  if (typeof value !== 'string' || !zonedTime.test(value)) return null;
  const ms = Date.parse(value.replace(' ', 'T'));
  if (Number.isNaN(ms)) return null;
  const text = new Date(ms).toISOString();
  return /^\d{4}-/.test(text) && !text.startsWith('0000') ? text : null;
}
