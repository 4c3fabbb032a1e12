import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MapMark, placeLabels, toLabelArea } from './map-labels.ts';
import { MAP_HEIGHT, MAP_WIDTH } from './map-view.ts';

/** A repeatable sequence of numbers from 0 to 1. */
function createRandom(seed: number): () => number {
  let value = seed;
  return () => {
    value = (value * 1_103_515_245 + 12_345) % 2_147_483_648;
    return value / 2_147_483_648;
  };
}

const NAMES = ['Tern', 'Storm Petrel', 'Northern Lights of the Western Approaches II', '海鷗', 'Äolus'];

test('no name on the map covers another name, or leaves the map', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = createRandom(seed);
    const marks: readonly MapMark[] = Array.from({ length: 14 }, (_, index) => ({
      x: random() * MAP_WIDTH,
      y: random() * MAP_HEIGHT,
      name: NAMES[index % NAMES.length],
    }));
    const areas = placeLabels(marks).flatMap((side, index) => {
      const mark = marks[index];
      return side === undefined || mark?.name === undefined
        ? []
        : [toLabelArea({ ...mark, name: mark.name }, side)];
    });
    assert.ok(areas.length > 0, `seed ${seed}`);
    for (const [index, one] of areas.entries()) {
      assert.ok(one.left >= 0 && one.right <= MAP_WIDTH && one.top >= 0 && one.bottom <= MAP_HEIGHT);
      for (const other of areas.slice(index + 1))
        assert.ok(
          one.right <= other.left ||
            other.right <= one.left ||
            one.bottom <= other.top ||
            other.bottom <= one.top,
          `seed ${seed}`,
        );
    }
  }
});

test('a name is placed after its marker, before it at the edge of the map, and nowhere among many markers', () => {
  assert.deepEqual(placeLabels([{ x: 200, y: 200, name: 'Tern' }]), ['after']);
  assert.deepEqual(placeLabels([{ x: MAP_WIDTH - 5, y: 200, name: 'Tern' }]), ['before']);
  const [corner, side] = [{ x: MAP_WIDTH - 320, y: MAP_HEIGHT - 60, name: 'Storm Petrel' }, 'right'] as const;
  assert.deepEqual([placeLabels([corner]), placeLabels([corner], side)], [['after'], ['before']]);
  const around = [
    { x: 400, y: 280, name: 'Tern' },
    ...[-60, 0, 60].flatMap((x) => [-50, 0, 50].map((y) => ({ x: 400 + x, y: 280 + y, name: undefined }))),
  ];
  assert.equal(placeLabels(around)[0], undefined);
});
