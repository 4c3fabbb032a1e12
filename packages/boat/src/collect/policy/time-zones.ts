import type { ZonePeriod } from './timestamps.ts';

/** A zone read from the boat's settings, and the times that determine when it applies. */
export interface ZoneSeen {
  readonly zone: string;
  /** When the setting was written. */
  readonly changedMs: number;
  /** Time of the latest export, when the known zones applied. Undefined if there is no export. */
  readonly lastExportMs: number | undefined;
  readonly nowMs: number;
}

/**
 * Returns the period to add to a boat's zones, or undefined if its zone has not changed. The first zone also applies to all
 * earlier times. A later zone applies from the time when the setting was written, but not to times before the latest export,
 * which were interpreted in the previous zone. The clock may be wrong, so a period never begins before the previous one.
 */
export function toNextPeriod(known: readonly ZonePeriod[], seen: ZoneSeen): ZonePeriod | undefined {
  const last = known.at(-1);
  if (last === undefined) return { zone: seen.zone, sinceMs: 0 };
  if (last.zone === seen.zone) return undefined;
  const lastExportMs = seen.lastExportMs ?? 0;
  const changedMs = Math.min(seen.changedMs, Math.max(seen.nowMs, lastExportMs));
  return { zone: seen.zone, sinceMs: Math.max(changedMs, lastExportMs, last.sinceMs + 1) };
}
