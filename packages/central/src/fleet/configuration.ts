import {
  type Category,
  parseExactJson,
  type StoredConfiguration,
  type StoredDocument,
} from '@d3kos/protocol';
import type { Queryable } from '../platform/ports.ts';
import { recordTable } from '../store/record-tables.ts';
import { textOf, textOrNullOf, utcText } from '../store/row.ts';
import { isEnrolled } from './installations.ts';

/**
 * Maximum size of a returned record, measured as the text that the database writes, where `1e300` has 301 digits. Real records
 * have a few KB. The limit is small because an answer stays in memory until the boat reads it.
 */
const CONFIGURATION_TEXT_MAX_BYTES = 2 * 1_048_576;

/** Returns the newest onboarding and settings of an installation as the boat sent them, or undefined if it is not enrolled. */
export async function loadConfiguration(
  store: Queryable,
  installationId: string,
): Promise<StoredConfiguration | undefined> {
  if (!(await isEnrolled(store, installationId))) return undefined;
  const onboarding = await findNewestRecord(store, 'onboarding', installationId);
  const settings = await findNewestRecord(store, 'settings', installationId);
  // docs/spec/protocol.md R62: "Central MUST answer `GET /api/v1/installations/{id}/configuration` with the newest
  // `onboarding` and `settings` records of that installation."
  return { status: 'success', installation_id: installationId, onboarding, settings };
}

async function findNewestRecord(
  store: Queryable,
  category: Category,
  installationId: string,
): Promise<StoredDocument | null> {
  const [row] = await store.query(
    `select record_id, received_at, case when octet_length(record) <= $2::integer then record end as record
     from (select record_id, ${utcText('received_at')} as received_at, record::text as record from ${recordTable(category)} t
           where installation_id = $1::text order by t.received_at desc, sequence desc nulls last, record_id limit 1) newest`,
    [installationId, CONFIGURATION_TEXT_MAX_BYTES],
  );
  if (row === undefined) return null;
  const record = textOrNullOf(row, 'record');
  return {
    record_id: textOf(row, 'record_id'),
    received_at: textOf(row, 'received_at'),
    // The driver's own JSON parser would round large numbers.
    record: record === null ? null : parseExactJson(record),
  };
}
