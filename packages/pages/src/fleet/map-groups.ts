import type { PositionGroup } from './api.ts';

/** A group of boats, or a single boat, and its position on the map in pixels of the drawing. */
export interface PlacedGroup {
  readonly group: PositionGroup;
  readonly x: number;
  readonly y: number;
}

/**
 * Markers closer than this cover each other. It is the width of two single-boat markers, or most of a group marker's width, on
 * the narrowest map.
 */
export const BOATS_APART_MIN_PX = 46;
export const GROUPS_APART_MIN_PX = 58;

/**
 * Joins markers that would cover each other. Central groups boats by grid cell, and two groups may lie close to the same edge.
 * The numbers of boats and of late boats stay the same.
 */
export function joinGroups(placed: readonly PlacedGroup[]): readonly PlacedGroup[] {
  const joined: PlacedGroup[] = [];
  for (const one of placed) {
    const near = joined.findIndex(
      (other) => Math.hypot(one.x - other.x, one.y - other.y) < toApartMin(one, other),
    );
    const other = joined[near];
    if (other === undefined) joined.push(one);
    else joined.splice(near, 1, join(other, one));
  }
  // The midpoint of two groups may be close to a third one.
  return joined.length === placed.length ? joined : joinGroups(joined);
}

function toApartMin({ group: one }: PlacedGroup, { group: other }: PlacedGroup): number {
  return one.boats === 1 && other.boats === 1 ? BOATS_APART_MIN_PX : GROUPS_APART_MIN_PX;
}

function join(one: PlacedGroup, other: PlacedGroup): PlacedGroup {
  const boats = one.group.boats + other.group.boats;
  const middle = (a: number, b: number): number => (a * one.group.boats + b * other.group.boats) / boats;
  return {
    x: middle(one.x, other.x),
    y: middle(one.y, other.y),
    group: {
      boats,
      late: one.group.late + other.group.late,
      latitude: middle(one.group.latitude, other.group.latitude),
      longitude: middle(one.group.longitude, other.group.longitude),
      installation_id: null,
      name: null,
      state: null,
    },
  };
}
