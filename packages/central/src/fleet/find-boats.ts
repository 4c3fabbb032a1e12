import type { Queryable } from '../platform/ports.ts';
import { toSearchGrams } from '../store/name-grams.ts';
import { textOf } from '../store/row.ts';

/**
 * Maximum number of boats that a search takes from the index. If more boats match, scanning the list in its sort order fills a
 * page quickly.
 */
export const MATCHES_MAX = 1_000;

const ID_START = /^[0-9a-f]{1,16}$/;
/** A character that sorts after every digit of an installation ID. */
const AFTER_DIGITS = 'g';

const FIND_SQL = `
(select i.installation_id from installations i
 where i.installation_id >= $1::text and i.installation_id < $2::text limit $5::int)
union all
(select n.installation_id from boat_names n
 where n.grams @> $3::text[] and strpos(n.name_key, $4::text) > 0 limit $5::int)
limit $5::int`;

/** Returns the IDs of the boats that match a search, or undefined if there are more than MATCHES_MAX. */
export async function findMatches(store: Queryable, text: string): Promise<readonly string[] | undefined> {
  // If no ID begins with the text, the range is empty.
  const [from, to] = ID_START.test(text) ? [text, text + AFTER_DIGITS] : ['', ''];
  const rows = await store.query(FIND_SQL, [from, to, toSearchGrams(text), text, MATCHES_MAX + 1]);
  return rows.length > MATCHES_MAX ? undefined : rows.map((row) => textOf(row, 'installation_id'));
}
