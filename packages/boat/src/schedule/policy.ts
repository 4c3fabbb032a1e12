/** What determines whether a daily slot is due. */
export interface SlotFacts {
  readonly wallMs: number;
  /** Whether a time service reports that the clock is set. Undefined if there is no report. */
  readonly clockSynchronized: boolean | undefined;
  /** IANA name of the boat's time zone. */
  readonly timeZone: string;
  /** The local hour from which a day's slot is due. */
  readonly hour: number;
  /** The claimed slots, in any order. */
  readonly claimed: readonly string[];
}

/** Step size when searching for the previous date: shorter than any day, so that no date is skipped. */
const LOOK_BACK_MS = 12 * 3_600_000;

/** The current slot. `waits_for_clock` means that it is not due until a time service has set the clock. */
export interface SlotState {
  readonly slot: string;
  readonly state: 'due' | 'claimed' | 'waits_for_clock';
}

/**
 * Returns the current slot and whether it is due. A slot is a local calendar date, `YYYY-MM-DD` (decision 0011). It is due from
 * `hour`:00 on that date until `hour`:00 on the next. If a boat was off for several nights, one slot is due when it starts.
 * Throws RangeError for an unknown time zone.
 *
 * Because a slot is a date rather than a point in time, a day on which `hour`:00 does not exist or happens twice has exactly one
 * slot. The same applies to a boat that crosses time zones.
 *
 * A slot is due if it has not been claimed. Comparing it with the latest claim would be wrong: if the clock once ran ahead and a
 * future date was claimed, no exports would be created until that date. However, on a boat without a clock chip, the clock is
 * days or months behind until a time server answers. So while a time service reports that the clock is not set, no slot before
 * the latest claim is due. Once the clock is set, the true date is due, and by then there is also a network for delivery. From
 * then on, future claims are known to be wrong and are ignored. If there is no time service, the slot is due, because one extra
 * export is better than none for months.
 */
export function findSlot(facts: SlotFacts): SlotState {
  const slot = currentSlot(facts.wallMs, facts.timeZone, facts.hour);
  if (facts.claimed.includes(slot)) return { slot, state: 'claimed' };
  if (facts.clockSynchronized === false && facts.claimed.some((claimed) => claimed > slot))
    return { slot, state: 'waits_for_clock' };
  return { slot, state: 'due' };
}

/** Returns the slot if it is due. */
export function toDueSlot({ slot, state }: SlotState): string | undefined {
  return state === 'due' ? slot : undefined;
}

/** Returns the current slot: today's date from `hour`:00 on, and the previous date before that. */
export function currentSlot(wallMs: number, timeZone: string, hour: number): string {
  const local = localHours(timeZone);
  const today = toLocalHour(wallMs, local);
  if (today.hour >= hour) return today.date;
  // Searches in local time instead of subtracting a day, because a time zone that moves across the date line skips a date.
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
