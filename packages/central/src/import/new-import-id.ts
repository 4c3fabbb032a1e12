import type { RandomHex } from '../platform/ports.ts';

/** Number of random bytes in an import ID: enough to prevent collisions between nodes. */
const IMPORT_ID_SIZE_BYTES = 12;

/** Returns a new random import ID. */
export function newImportId(randomHex: RandomHex): string {
  return `import_${randomHex(IMPORT_ID_SIZE_BYTES)}`;
}
