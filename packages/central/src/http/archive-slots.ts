import { type Refused, refuse } from './reply.ts';

/**
 * Maximum number of archives that a node creates at the same time. Each reads the database for as long as the operator downloads
 * it, and takes up to 60 MB: a page of rows, a group of a Parquet file, and its compressed bytes. The rest of the database and
 * memory is for imports.
 */
export const ARCHIVES_MAX = 4;

/** Maximum number of archives for one operator, so that one operator's unread downloads leave some for the others. */
export const OPERATOR_ARCHIVES_MAX = 2;

/** Counts the archives in progress on this node. */
export interface ArchiveSlots {
  /** Returns a refusal, or a function to call when the operator's archive ends. Calling it again changes nothing. */
  take(actor: string): (() => void) | Refused<'TOO_MANY_REQUESTS' | 'UNAVAILABLE'>;
}

export function createArchiveSlots(): ArchiveSlots {
  const inProgress = new Map<symbol, string>();
  return {
    take(actor) {
      const own = [...inProgress.values()].filter((one) => one === actor).length;
      if (own >= OPERATOR_ARCHIVES_MAX)
        return refuse('TOO_MANY_REQUESTS', 'other downloads of this operator are still in progress');
      if (inProgress.size >= ARCHIVES_MAX)
        return refuse('UNAVAILABLE', 'this node is at its limit of concurrent downloads');
      const slot = Symbol(actor);
      inProgress.set(slot, actor);
      return () => void inProgress.delete(slot);
    },
  };
}
