import { strict as assert } from 'node:assert';
import { after, before, describe, test } from 'node:test';
import type { FleetPositions } from '../api/fleet-schemas.ts';
import type { Store } from '../platform/ports.ts';
import { openEmbedded, type StoreUnderTest } from '../platform/testing/stores-under-test.ts';
import { erase } from '../retention/erase.ts';
import { migrate } from '../store/migrate.ts';
import { toNameGrams, toSearchGrams } from '../store/name-grams.ts';
import {
  type EnrolledBoat,
  enrollBoat,
  importDocument,
  NOON_MS,
  startNode,
  toDocument,
} from '../testing/central-under-test.ts';
import { MATCHES_MAX } from './find-boats.ts';
import { type BoatQuery, listBoats } from './list-boats.ts';
import { loadOverview } from './overview.ts';
import { loadPositions } from './positions.ts';

const NOW = new Date(NOON_MS).toISOString();
const WORLD = { west: -180, south: -80, east: 180, north: 80, cell: 20 };
const LIST: BoatQuery = {
  sort: 'name',
  filter: 'all',
  tier: undefined,
  version: undefined,
  search: undefined,
  after: undefined,
  limit: 200,
};

/** Options under which even a small number of boats counts as a large fleet. */
const LARGE = { liveBoatsMax: 1, onFailure: (error: unknown) => assert.fail(String(error)) };

let opened: StoreUnderTest | undefined;
before(async () => {
  opened = await openEmbedded();
});
after(() => opened?.close());

/** An empty database with the schema. */
async function openEmpty(): Promise<Store> {
  assert.ok(opened !== undefined);
  await opened.store.script('drop schema public cascade; create schema public');
  await migrate(opened.store, NOON_MS);
  return opened.store;
}

/** Imports a name as the boat's wizard sends it. */
async function importName(store: Store, boat: EnrolledBoat, name: string, sequence = 1): Promise<void> {
  const data = {
    onboarding: { category: 'onboarding', entry_count: 1, entries: [{ record_id: 'w', VESSEL_NAME: name }] },
  };
  await importDocument(startNode(store), boat, toDocument(boat, { sequence, data }));
}

async function insertBoats(store: Store, count: number, name: string): Promise<void> {
  await store.query(
    `insert into installations (installation_id, enrolled_at, boat_name, boat_name_key)
     select lpad(n::text, 16, '0'), now(), $2::text || n, lower($2::text) || n from generate_series(1, $1::int) n`,
    [count, name],
  );
  const grams = toNameGrams(name.toLowerCase());
  await store.query(
    `insert into boat_names select installation_id, boat_name_key, $1::text[] from installations
     where installation_id like '00%'`,
    [grams],
  );
}

describe('the search', () => {
  const find = async (store: Store, search: string): Promise<readonly (string | null)[]> =>
    ((await listBoats(store, { ...LIST, search }, NOW))?.boats ?? []).map(({ name }) => name);

  test('finds any part of a name in any case and script, and no name that only shares its trigrams', async () => {
    const store = await openEmpty();
    for (const name of ['Sea Breeze', 'Seewind 2', '海の風', 'abcd bcde', '100%_sure'])
      await importName(store, await enrollBoat(store), name);
    assert.deepEqual(await find(store, 'WIND'), ['Seewind 2']);
    assert.deepEqual(await find(store, 'a b'), ['Sea Breeze']);
    assert.deepEqual(await find(store, 'd b'), ['abcd bcde']);
    assert.deepEqual(await find(store, '風'), ['海の風']);
    assert.deepEqual(await find(store, 'の風'), ['海の風']);
    assert.deepEqual(await find(store, '%_'), ['100%_sure']);
    assert.deepEqual(await find(store, 'abcde'), []);
    assert.deepEqual((await find(store, 'see')).length, 1);
  });

  test('finds a boat by the beginning of its ID, and only by its latest name', async () => {
    const store = await openEmpty();
    const boat = await enrollBoat(store);
    await importName(store, boat, 'Zwerg');
    await importName(store, boat, 'Zwilling', 2);
    assert.deepEqual(await find(store, boat.id.toUpperCase()), ['Zwilling']);
    assert.deepEqual(await find(store, boat.id.slice(0, 7)), ['Zwilling']);
    assert.deepEqual(await find(store, 'zwil'), ['Zwilling']);
    assert.deepEqual(await find(store, 'zwerg'), []);
    await erase({ store, wallMs: NOON_MS }, boat.id);
    assert.deepEqual(await store.query('select 1 from boat_names'), []);
  });

  test('finds every matching boat even if more boats match than the index returns', async () => {
    const store = await openEmpty();
    await insertBoats(store, MATCHES_MAX + 50, 'Sun');
    const names = new Set<string | null>();
    let next: string | undefined;
    do {
      const page = await listBoats(store, { ...LIST, search: 'sun', after: next }, NOW);
      for (const { name } of page?.boats ?? []) names.add(name);
      next = page?.next ?? undefined;
    } while (next !== undefined);
    assert.equal(names.size, MATCHES_MAX + 50);
  });

  test('has keys of one to three characters, and every matching name has all keys of the search', () => {
    assert.deepEqual(toNameGrams('abab'), ['a', 'b', 'ab', 'ba', 'aba', 'bab']);
    assert.deepEqual(toSearchGrams('ab'), ['ab']);
    assert.deepEqual(toSearchGrams('abcab'), ['abc', 'bca', 'cab']);
    assert.deepEqual(toSearchGrams('⛵b'), ['⛵b']);
  });
});

/** The average of averages differs from the overall average in the last digits. */
const toRounded = (positions: FleetPositions): unknown =>
  JSON.parse(
    JSON.stringify(positions, (_, value: unknown) =>
      typeof value === 'number' ? Math.round(value * 1e9) / 1e9 : value,
    ),
  );

describe('the numbers of a large fleet', () => {
  const boats = async (store: Store): Promise<number> => (await loadOverview(store, NOW, LARGE)).totals.boats;
  const age = (store: Store, interval: string) =>
    store.query(`update fleet_snapshots set computed_at = computed_at - $1::text::interval`, [interval]);

  test('are reused for a minute, then refreshed after an answer, and never returned after 5 minutes', async () => {
    const store = await openEmpty();
    await insertBoats(store, 2, 'Sun');
    assert.equal(await boats(store), 2);
    await enrollBoat(store);
    assert.equal(await boats(store), 2, 'within the minute');
    assert.equal((await loadOverview(store, NOW)).totals.boats, 3, 'a small fleet is always counted');
    await age(store, '61 seconds');
    assert.equal(await boats(store), 2, 'the request that triggers the refresh does not wait');
    // The refresh holds the lock on the row until it commits, so this waits for the refresh unless the row is already fresh.
    while ((await boats(store)) === 2) await store.query('select 1 from fleet_snapshots for update');
    assert.equal(await boats(store), 3);
    await enrollBoat(store);
    await age(store, '301 seconds');
    assert.equal(await boats(store), 4);
  });

  test('are computed once if two nodes need them at the same time', async () => {
    const store = await openEmpty();
    assert.ok(opened !== undefined);
    await insertBoats(store, 2, 'Sun');
    const [first, second] = await Promise.all([
      loadOverview(store, '2026-06-01T12:00:00.000Z', LARGE),
      loadOverview(opened.secondStore, '2026-06-01T12:00:01.000Z', LARGE),
    ]);
    assert.equal(first.as_of, second.as_of);
  });

  test('group the map exactly as the individual boats would be grouped, even across the date line', async () => {
    const store = await openEmpty();
    await insertBoats(store, 60, 'Sun');
    await store.script(
      `update installations set position_latitude = -70 + right(installation_id, 2)::int * 2.3,
         position_longitude = -179.5 + right(installation_id, 2)::int * 5.9, position_at = '2026-06-01Z',
         refused_at = case when right(installation_id, 1) = '7' then '2026-06-01Z'::timestamptz end
       where right(installation_id, 2) <> '60'`,
    );
    for (const window of [WORLD, { ...WORLD, west: 100, east: -100, cell: 5 }]) {
      const live = await loadPositions(store, window, NOW);
      const kept = await loadPositions(store, window, NOW, LARGE);
      assert.ok(live.groups.length > 5);
      assert.deepEqual(toRounded(kept), toRounded(live));
    }
    assert.equal((await loadPositions(store, WORLD, NOW, LARGE)).positioned, 59);
    await store.query(
      `update installations set position_latitude = null, position_longitude = null where installation_id like '%1'`,
    );
    assert.equal((await loadPositions(store, WORLD, NOW, LARGE)).positioned, 59, 'within the minute');
    await age(store, '301 seconds');
    assert.equal((await loadPositions(store, WORLD, NOW, LARGE)).positioned, 53);
  });
});
