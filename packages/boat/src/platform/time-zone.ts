/** Returns true for the name of an IANA time zone that this machine supports. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    // Intl reports an unknown name only by throwing a RangeError.
    return false;
  }
}
