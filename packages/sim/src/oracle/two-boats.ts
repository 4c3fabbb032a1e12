import type { Store } from '@d3kos/central';
import type { Violate } from './violations.ts';

/**
 * Checks, by the column that the operator's commands and pages show, that central has detected two machines with one identity.
 */
export async function checkWarned(store: Store, installationId: string, violate: Violate): Promise<void> {
  const rows = await store.query(
    'select 1 from ledgers where installation_id = $1::text and concurrent_at is not null',
    [installationId],
  );
  if (rows.length === 0) violate('two boats have one identity, but the operator is not warned');
}
