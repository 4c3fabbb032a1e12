import type { RandomHex } from '../platform/ports.ts';

/** Random bytes of an import's id: enough that ids of all nodes never meet. */
const IMPORT_ID_SIZE_BYTES = 12;

/** An id for an import that may be stored. */
export function newImportId(randomHex: RandomHex): string {
  return `import_${randomHex(IMPORT_ID_SIZE_BYTES)}`;
}
