import type { RandomHex } from '../platform/ports.ts';

/** Random bytes in an import id: enough that ids from different nodes do not collide. */
const IMPORT_ID_SIZE_BYTES = 12;

/** Returns a new random import id. */
export function newImportId(randomHex: RandomHex): string {
  return `import_${randomHex(IMPORT_ID_SIZE_BYTES)}`;
}
