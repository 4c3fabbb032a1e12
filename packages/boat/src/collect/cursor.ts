/**
 * How far a log source has been exported. `position` (a rowid) grows in reading order. `check` identifies the row at
 * that position, so that a replaced or restored source is detected.
 */
export interface Cursor {
  readonly position: number;
  readonly check: string;
}
