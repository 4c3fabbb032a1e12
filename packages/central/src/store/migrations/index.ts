import { FIRST_SQL } from './0001-first.ts';
import { WITHDRAWN_SEQUENCES_SQL } from './0002-withdrawn-sequences.ts';

/** One step of the schema. Its text never changes once released: a change is a further step. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
}

/** Every step, in the order they are applied. Modules and not .sql files, so that the built program carries them. */
export const MIGRATIONS: readonly Migration[] = [
  { name: '0001-first', sql: FIRST_SQL },
  { name: '0002-withdrawn-sequences', sql: WITHDRAWN_SEQUENCES_SQL },
];
