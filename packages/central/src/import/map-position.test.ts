import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { toMapPosition } from './map-position.ts';

describe('the position shown on a map', () => {
  for (const [latitude, longitude] of [
    [44.2312, -76.486],
    [-90, 180],
    [90, -180],
    [0, -28.5],
    [51.4779, 0],
    [1e-7, -1e-7],
  ] as const)
    it(`is ${latitude}/${longitude} if this is a valid position`, () =>
      assert.deepEqual(toMapPosition(latitude, longitude), { latitude, longitude }));

  for (const [latitude, longitude] of [
    [null, -145.14421266666668],
    [44.5, null],
    [null, null],
    [0, 0],
    [-0, 0],
    [214.7483647, 214.7483647],
    [44.5, 214.7483647],
    [90.0000001, 10],
    [10, -180.0000001],
    [1e308, -1e308],
    [Number.NaN, 10],
    [10, Number.NEGATIVE_INFINITY],
  ] as const)
    it(`is empty for ${latitude}/${longitude}, as written by a receiver without a fix`, () =>
      assert.deepEqual(toMapPosition(latitude, longitude), { latitude: null, longitude: null }));

  it('never has only one coordinate', () => {
    fc.assert(
      fc.property(fc.option(fc.double()), fc.option(fc.double()), (latitude, longitude) => {
        const position = toMapPosition(latitude, longitude);
        assert.equal(position.latitude === null, position.longitude === null);
      }),
    );
  });
});
