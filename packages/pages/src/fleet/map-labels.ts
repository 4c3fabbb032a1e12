import { MAP_HEIGHT, MAP_WIDTH } from './map-view.ts';

/** Where a name is placed relative to its marker. */
export type LabelSide = 'after' | 'before' | 'below' | 'above';

/** A marker on the map, in pixels of the drawing, and its name if it should be shown. */
export interface MapMark {
  readonly x: number;
  readonly y: number;
  readonly name: string | undefined;
}

interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Pixels of the drawing per CSS pixel on the narrowest map, where names need most of the room. */
const SCALE = MAP_WIDTH / 340;
/** Half the side of a drawn marker, and the distance from its centre to its name, in CSS pixels as in fleet.css. */
const MARK_HALF_PX = 12;
const NAME_FROM_PX = 15;
const LINE_PX = 18;
/** Maximum width of a name. A longer name is broken into several lines. */
const NAME_WIDTH_MAX_PX = 130;
/** Width of a character at 14 px in a wide font, and of a full-width East Asian character. */
const CHARACTER_PX = 8.6;
const WIDE_CHARACTER_PX = 15;
const WIDE_FROM = 0x2e80;
const PADDING_PX = 6;
/** The space taken by the controls in the map's lower corner: three buttons of 44 px with their spacing. */
const CONTROLS_WIDTH_PX = 56;
const CONTROLS_HEIGHT_PX = 152;

/** In order of preference. Beside the marker, names read like those on a chart. */
const SIDES: readonly LabelSide[] = ['after', 'before', 'below', 'above'];

/**
 * Chooses a side for the name of each marker so that no name covers another name, a marker or the map's controls, or extends
 * past the edge of the map. Earlier markers choose first. Undefined if a marker has no name or if there is no room for it.
 */
export function placeLabels(
  marks: readonly MapMark[],
  controls?: 'left' | 'right',
): readonly (LabelSide | undefined)[] {
  const taken: Area[] = marks.map(({ x, y }) => toArea(x, y, MARK_HALF_PX, MARK_HALF_PX));
  // The first areas belong to the markers, by index.
  if (controls !== undefined) taken.push(toControlsArea(controls));
  return marks.map((mark, index) => {
    if (mark.name === undefined) return undefined;
    const { name } = mark;
    const side = SIDES.find((candidate) => {
      const area = toLabelArea({ ...mark, name }, candidate);
      return isInside(area) && taken.every((other, own) => own === index || !overlap(area, other));
    });
    if (side !== undefined) taken.push(toLabelArea({ ...mark, name }, side));
    return side;
  });
}

function toArea(x: number, y: number, halfWidthPx: number, halfHeightPx: number): Area {
  const [width, height] = [halfWidthPx * SCALE, halfHeightPx * SCALE];
  return { left: x - width, right: x + width, top: y - height, bottom: y + height };
}

function toControlsArea(side: 'left' | 'right'): Area {
  const width = CONTROLS_WIDTH_PX * SCALE;
  const left = side === 'left' ? 0 : MAP_WIDTH - width;
  return { left, right: left + width, top: MAP_HEIGHT - CONTROLS_HEIGHT_PX * SCALE, bottom: MAP_HEIGHT };
}

/** The space that a name takes, in pixels of the drawing. */
export function toLabelArea(mark: MapMark & { readonly name: string }, side: LabelSide): Area {
  const wide = [...mark.name].reduce(
    (sum, character) =>
      sum + ((character.codePointAt(0) ?? 0) >= WIDE_FROM ? WIDE_CHARACTER_PX : CHARACTER_PX),
    PADDING_PX,
  );
  const lines = Math.ceil(wide / NAME_WIDTH_MAX_PX);
  const [halfWidth, halfHeight] = [Math.min(wide, NAME_WIDTH_MAX_PX) / 2, (lines * LINE_PX) / 2];
  const across = (NAME_FROM_PX + halfWidth) * SCALE;
  const down = (NAME_FROM_PX + halfHeight) * SCALE;
  const [x, y] = {
    after: [mark.x + across, mark.y] as const,
    before: [mark.x - across, mark.y] as const,
    below: [mark.x, mark.y + down] as const,
    above: [mark.x, mark.y - down] as const,
  }[side];
  return toArea(x, y, halfWidth, halfHeight);
}

function isInside({ left, right, top, bottom }: Area): boolean {
  return left >= 0 && top >= 0 && right <= MAP_WIDTH && bottom <= MAP_HEIGHT;
}

function overlap(one: Area, other: Area): boolean {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}
