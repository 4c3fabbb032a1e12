import { countRecords, type PartToStore } from './part-to-store.ts';
import { estimateStoredBytes, type Use } from './quota-policy.ts';

/** The default quota, and the sender's usage that has not yet been written to the database. */
export interface Accounting {
  readonly quota: Use;
  readonly unbilled: Pick<Use, 'requests' | 'cpuMs'>;
}

/** Returns the usage that a part adds to its installation. A part from a bundle counts as one request. */
export function toPartUse(part: PartToStore, accounting: Accounting | undefined): Use {
  const { sizeBytes, rejectedLength } = part.sorted;
  const records = countRecords(part);
  return {
    storedBytes: estimateStoredBytes(sizeBytes, records, rejectedLength),
    records,
    ...(accounting?.unbilled ?? { requests: 1, cpuMs: 0 }),
  };
}
