/**
 * How far a log source is exported. `position` grows in the order the source is read (a rowid, a byte offset);
 * `check` identifies the row at that position, so that a replaced or restored source is noticed.
 */
export interface Cursor {
  readonly position: number;
  readonly check: string;
}
