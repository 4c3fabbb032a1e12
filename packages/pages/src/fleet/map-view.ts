import { geoMercator, type GeoProjection } from 'd3-geo';
import type { Positions } from './api.ts';

/** The map's view: its centre, and the pixels per degree of longitude. */
export interface MapView {
  readonly longitude: number;
  readonly latitude: number;
  readonly scale: number;
  /** False until the map has been fitted to the boats or moved. */
  readonly isSet: boolean;
}

/** Size of the drawing in its own pixels. The page scales it to the available width. */
export const MAP_WIDTH = 808;
export const MAP_HEIGHT = 560;
/** The Mercator projection grows without bound towards the poles. */
const LATITUDE_MAX = 80;
export const SCALE_MIN = MAP_WIDTH / 360;
/** At this scale, the map is about 20 km across. */
export const SCALE_MAX = 4_000;
/** From this scale on, the finer land shapes are drawn. */
export const COAST_FROM_SCALE = 12;
/** An arrow key moves the map by this fraction of its size. */
const STEP_SHARE = 0.25;
export const ZOOM_STEP = 2;

export const WORLD: MapView = { longitude: 0, latitude: 20, scale: SCALE_MIN, isSet: false };

/** Possible cell sides in degrees. Boats in one cell share a marker, so that markers do not overlap. */
const CELLS = [30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01];
/** Minimum side of a cell in pixels of the drawing: the size of a marker with its margin. */
const CELL_MIN_PX = 64;

export function toProjection({ longitude, latitude, scale }: MapView): GeoProjection {
  return geoMercator()
    .scale((scale * 180) / Math.PI)
    .center([0, latitude])
    .rotate([-longitude, 0])
    .translate([MAP_WIDTH / 2, MAP_HEIGHT / 2])
    .clipExtent([
      [-2, -2],
      [MAP_WIDTH + 2, MAP_HEIGHT + 2],
    ]);
}

/** Returns the window of a view in the form that central expects. */
export function toWindow(view: MapView): {
  readonly west: string;
  readonly south: string;
  readonly east: string;
  readonly north: string;
  readonly cell: string;
} {
  const projection = toProjection(view).clipExtent(null);
  const top = projection.invert?.([MAP_WIDTH / 2, 0])?.[1] ?? LATITUDE_MAX;
  const bottom = projection.invert?.([MAP_WIDTH / 2, MAP_HEIGHT])?.[1] ?? -LATITUDE_MAX;
  const half = MAP_WIDTH / 2 / view.scale;
  const isWhole = half >= 180;
  const side = CELLS.findLast((cell) => cell * view.scale >= CELL_MIN_PX) ?? CELLS[0] ?? 30;
  const text = (value: number): string => value.toFixed(4);
  return {
    west: text(isWhole ? -180 : toLongitude(view.longitude - half)),
    south: text(Math.max(-90, bottom)),
    east: text(isWhole ? 180 : toLongitude(view.longitude + half)),
    north: text(Math.min(90, top)),
    cell: String(side),
  };
}

function toLongitude(value: number): number {
  return ((((value + 180) % 360) + 360) % 360) - 180;
}

/** Returns the view moved by fractions of its size. */
export function pan(view: MapView, right: number, up: number): MapView {
  const projection = toProjection(view).clipExtent(null);
  const target = projection.invert?.([
    MAP_WIDTH / 2 + right * STEP_SHARE * MAP_WIDTH,
    MAP_HEIGHT / 2 - up * STEP_SHARE * MAP_HEIGHT,
  ]);
  if (target === undefined || target === null) return view;
  return bounded({ ...view, longitude: target[0], latitude: target[1] });
}

/** Returns the view at another scale. */
export function zoom(view: MapView, factor: number): MapView {
  return bounded({ ...view, scale: view.scale * factor });
}

function bounded(view: MapView): MapView {
  return {
    longitude: toLongitude(view.longitude),
    latitude: Math.min(LATITUDE_MAX, Math.max(-LATITUDE_MAX, view.latitude)),
    scale: Math.min(SCALE_MAX, Math.max(SCALE_MIN, view.scale)),
    isSet: true,
  };
}

/** Maximum scale when the map is fitted to the boats: about 500 km across, so that the coast is recognisable. */
const FIT_SCALE_MAX = 120;
/** The margin keeps markers and their names inside the map, and most markers clear of the map's controls. */
const FIT_MARGIN = 0.78;

/** Returns the view that shows a window of the earth. It does not handle windows across the date line. */
export function toFit(bounds: Positions['bounds']): MapView {
  if (bounds === null) return { ...WORLD, isSet: true };
  const { west, south, east, north } = bounds;
  const base = geoMercator()
    .scale(180 / Math.PI)
    .translate([0, 0]);
  const toY = (latitude: number): number => -(base([0, Math.max(-84, Math.min(84, latitude))])?.[1] ?? 0);
  const [top, bottom] = [toY(north), toY(south)];
  const scale = Math.min(
    (MAP_WIDTH * FIT_MARGIN) / Math.max(0.001, east - west),
    (MAP_HEIGHT * FIT_MARGIN) / Math.max(0.001, top - bottom),
    FIT_SCALE_MAX,
  );
  const middle = base.invert?.([0, -(top + bottom) / 2])?.[1] ?? 0;
  return bounded({ longitude: (west + east) / 2, latitude: middle, scale, isSet: true });
}
