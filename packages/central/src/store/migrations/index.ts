import { FIRST_SQL } from './0001-first.ts';
import { WITHDRAWN_SEQUENCES_SQL } from './0002-withdrawn-sequences.ts';
import { MAP_POSITIONS_SQL } from './0003-map-positions.ts';
import { GUARDS_SQL } from './0004-guards.ts';
import { LEDGERS_SQL } from './0005-ledgers.ts';
import { BUNDLE_KEYS_SQL } from './0006-bundle-keys.ts';
import { STATE_SQL } from './0007-state-contract.ts';
import { IDENTITY_SQL } from './0008-identity.ts';
import { FLEET_SQL } from './0009-fleet.ts';
import { FORMER_LEDGERS_SQL } from './0010-former-ledgers.ts';
import { NO_RECORD_DIGEST_SQL } from './0011-no-record-digest.ts';
import { SHARED_IDS_SQL } from './0012-shared-ids.ts';

/**
 * A schema step. A released step never changes; a change to the schema is a new step. During an upgrade, nodes of the previous
 * version run alongside new ones, so a step only expands the schema. A step that removes or narrows something is released one
 * version later, and its name ends in `-contract`. The same applies to a step that adds sums which an older node would corrupt
 * (decision 0043).
 */
export interface Migration {
  readonly name: string;
  readonly sql: string;
}

/** True if nodes of an earlier version, which does not have this step, can no longer run once it has been applied. */
export function isContracting(stepName: string): boolean {
  return stepName.endsWith('-contract');
}

/**
 * All steps in the order in which they are applied. They are modules instead of .sql files, so that the built program contains
 * them.
 */
export const MIGRATIONS: readonly Migration[] = [
  { name: '0001-first', sql: FIRST_SQL },
  { name: '0002-withdrawn-sequences', sql: WITHDRAWN_SEQUENCES_SQL },
  { name: '0003-map-positions', sql: MAP_POSITIONS_SQL },
  { name: '0004-guards', sql: GUARDS_SQL },
  { name: '0005-ledgers', sql: LEDGERS_SQL },
  { name: '0006-bundle-keys', sql: BUNDLE_KEYS_SQL },
  { name: '0007-state-contract', sql: STATE_SQL },
  { name: '0008-identity', sql: IDENTITY_SQL },
  { name: '0009-fleet', sql: FLEET_SQL },
  { name: '0010-former-ledgers', sql: FORMER_LEDGERS_SQL },
  { name: '0011-no-record-digest', sql: NO_RECORD_DIGEST_SQL },
  { name: '0012-shared-ids', sql: SHARED_IDS_SQL },
];
