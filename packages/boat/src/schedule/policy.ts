/** What is asked about the daily slot. */
export interface SlotFacts {
  readonly wallMs: number;
  /** Whether a time service vouches for `wallMs`; undefined where nobody says. */
  readonly clockSynchronized: boolean | undefined;
  /** IANA name of the boat's time zone. */
  readonly timeZone: string;
  /** The hour of local time from which a day's slot is owed. */
  readonly hour: number;
  /** Slots that were claimed, in any order. */
  readonly claimed: readonly string[];
}

/** The step in which the day before is looked for: shorter than any day, so none is stepped over. */
const LOOK_BACK_MS = 12 * 3_600_000;

/**
 * The slot that is owed now, or undefined. A slot is a local calendar date, `YYYY-MM-DD`: it is owed from `hour`:00 of
 * that date until `hour`:00 of the next, so a night missed while the boat was off is owed when it is next up, once,
 * and never several for several nights. Throws RangeError for an unknown time zone.
 *
 * Because a slot is a date and not a moment, a day on which `hour`:00 does not exist, or happens twice, has one like any
 * other, and so has a boat that crosses time zones.
 *
 * What may be claimed is asked of the set of claims, not of the newest: a clock that once ran ahead claimed a date of
 * the future, and comparing with that would leave every day until then without an export. But the clock of a boat
 * without a clock chip starts behind, by days or months, until a time server answers. So while a service says that
 * the clock is not set, a date before the newest claim is taken for such a clock and owes nothing; the true date is owed once
 * the clock is right, which is when there is a network to deliver over. Once the clock is vouched for, claims in its future
 * are known to be wrong and hold up nothing. Where nobody says, nothing is waited for: one export too many is better than none for months.
 */
export function owedSlot(question: SlotFacts): string | undefined {
  const slot = currentSlot(question.wallMs, question.timeZone, question.hour);
  if (question.claimed.includes(slot)) return undefined;
  if (question.clockSynchronized === false && question.claimed.some((claimed) => claimed > slot))
    return undefined;
  return slot;
}

/** The slot whose time is running: today's date from `hour`:00 on, before that the date before it. */
export function currentSlot(wallMs: number, timeZone: string, hour: number): string {
  const local = localHours(timeZone);
  const today = toLocalHour(wallMs, local);
  if (today.hour >= hour) return today.date;
  // Looked for in the time zone and not by counting: a zone that crossed the date line has skipped a date.
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
