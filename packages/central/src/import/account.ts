import type { Queryable } from '../platform/ports.ts';
import type { PartToStore } from './part-to-store.ts';
import {
  estimateStoredBytes,
  findExceeded,
  type QuotaAmount,
  type QuotaOverride,
  type Use,
} from './policy.ts';
import { addUse, loadUse } from './usage.ts';

/** The quota of every installation, and the usage of the installation since its last import that has not been written yet. */
export interface Accounting {
  readonly quota: Use;
  readonly unbilled: Pick<Use, 'requests' | 'cpuMs'>;
}

/** Adds a part to the day's usage, or returns the quota that it would exceed. A bundle counts but is never refused. */
export async function accountFor(
  tx: Queryable,
  part: PartToStore,
  override: QuotaOverride,
  accounting: Accounting | undefined,
): Promise<QuotaAmount | undefined> {
  const { counts, rowsLength, rejectedLength } = part.sorted;
  const records = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const adding: Use = {
    storedBytes: estimateStoredBytes(rowsLength, records, rejectedLength),
    records,
    ...(accounting?.unbilled ?? { requests: 1, cpuMs: 0 }),
  };
  const id = part.document.installation_id;
  if (accounting !== undefined) {
    const used = await loadUse(tx, id, part.receivedMs);
    const exceeded = findExceeded(used, adding, accounting.quota, override);
    if (exceeded !== undefined) return exceeded;
  }
  await addUse(tx, id, part.receivedMs, adding);
  return undefined;
}
