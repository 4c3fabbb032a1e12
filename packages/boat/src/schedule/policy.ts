/** The facts that determine whether a daily slot is due. */
export interface SlotFacts {
  readonly wallMs: number;
  /** Whether a time service reports that it has set `wallMs`. Undefined if none reports anything. */
  readonly clockSynchronized: boolean | undefined;
  /** IANA name of the boat's time zone. */
  readonly timeZone: string;
  /** The local hour from which a day's slot is due. */
  readonly hour: number;
  /** The claimed slots, in any order. */
  readonly claimed: readonly string[];
}

/** Step of the search for the previous date. It is shorter than any day, so that no date is skipped. */
const LOOK_BACK_MS = 12 * 3_600_000;

/**
 * Returns the slot that is due now, or undefined. A slot is a local calendar date, `YYYY-MM-DD` (decision 0011). It is due
 * from `hour`:00 on that date until `hour`:00 on the next. If a boat was off for several nights, one slot is due when it
 * starts. Throws RangeError for an unknown time zone.
 *
 * Because a slot is a date and not a moment, a day on which `hour`:00 does not exist or happens twice has one slot like any other
 * day. The same applies to a boat that crosses time zones.
 *
 * A slot is due if it is not in the set of claims. It would be wrong to compare it with the newest claim: if a clock once
 * ran ahead and claimed a future date, no export would be made until that date. But a boat without a clock chip starts with
 * a clock that is days or months behind, until a time server answers. So while a time service reports that the clock is not
 * set, no slot before the newest claim is due. The true date is due once the clock is set, and by then there is also a
 * network for delivery. Once the clock is set, future claims are known to be wrong and have no effect. If no time service reports
 * anything, the slot is due, because one extra export is better than none for months.
 */
export function owedSlot(facts: SlotFacts): string | undefined {
  const slot = currentSlot(facts.wallMs, facts.timeZone, facts.hour);
  if (facts.claimed.includes(slot)) return undefined;
  if (facts.clockSynchronized === false && facts.claimed.some((claimed) => claimed > slot)) return undefined;
  return slot;
}

/** Returns the current slot, which is today's date from `hour`:00 on and the previous date before that. */
export function currentSlot(wallMs: number, timeZone: string, hour: number): string {
  const local = localHours(timeZone);
  const today = toLocalHour(wallMs, local);
  if (today.hour >= hour) return today.date;
  // Searches in the time zone instead of subtracting a day, because a zone that crossed the date line has skipped a date.
  let beforeMs = wallMs;
  let before = today;
  while (before.date === today.date) {
    beforeMs -= LOOK_BACK_MS;
    before = toLocalHour(beforeMs, local);
  }
  return before.date;
}

function localHours(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
  });
}

function toLocalHour(
  wallMs: number,
  local: Intl.DateTimeFormat,
): { readonly date: string; readonly hour: number } {
  const parts = new Map(local.formatToParts(wallMs).map(({ type, value }) => [type, value]));
  const date = `${parts.get('year')?.padStart(4, '0')}-${parts.get('month')}-${parts.get('day')}`;
  return { date, hour: Number(parts.get('hour')) };
}
