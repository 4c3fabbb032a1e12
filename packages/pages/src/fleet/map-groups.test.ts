import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOATS_APART_MIN_PX, GROUPS_APART_MIN_PX, joinGroups, type PlacedGroup } from './map-groups.ts';

function toPlaced(index: number, x: number, y: number): PlacedGroup {
  const id = index.toString(16).padStart(16, '0');
  return {
    x,
    y,
    group: {
      boats: 1 + (index % 4),
      late: index % 2,
      latitude: y,
      longitude: x,
      installation_id: id,
      name: null,
      state: 'late',
    },
  };
}

test('no two markers on the map cover each other, and no boat is lost', () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    // The golden ratio spreads the positions evenly, and differently for each seed.
    const placed = Array.from({ length: 60 }, (_, index) =>
      toPlaced(index, ((index * seed * 0.618) % 1) * 808, ((index * 0.754 + seed * 0.57) % 1) * 560),
    );
    const joined = joinGroups(placed);
    const sum = (groups: readonly PlacedGroup[], key: 'boats' | 'late'): number =>
      groups.reduce((total, { group }) => total + group[key], 0);
    assert.equal(sum(joined, 'boats'), sum(placed, 'boats'));
    assert.equal(sum(joined, 'late'), sum(placed, 'late'));
    for (const [index, one] of joined.entries())
      for (const other of joined.slice(index + 1))
        assert.ok(
          Math.hypot(one.x - other.x, one.y - other.y) >=
            (one.group.boats === 1 && other.group.boats === 1 ? BOATS_APART_MIN_PX : GROUPS_APART_MIN_PX),
          `seed ${seed}`,
        );
  }
});

test('markers that do not cover each other stay unchanged', () => {
  const placed = [toPlaced(1, 100, 100), toPlaced(2, 200, 100)];
  assert.deepEqual(joinGroups(placed), placed);
});
