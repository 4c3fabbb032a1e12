/** True for an IANA time zone name that this machine knows. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    // Intl has no other way to check a name than to throw a RangeError.
    return false;
  }
}
