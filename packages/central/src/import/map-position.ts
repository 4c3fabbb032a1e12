/** A latitude and longitude on the map, or two nulls. */
export type MapPosition =
  | { readonly latitude: number; readonly longitude: number }
  | { readonly latitude: null; readonly longitude: null };

const NO_POSITION: MapPosition = { latitude: null, longitude: null };
const LATITUDE_MAX = 90;
const LONGITUDE_MAX = 180;

/**
 * Returns a valid position, or two nulls. Without a fix, receivers and gateways write a single coordinate, 0/0, 214.7483647
 * (0x7FFFFFFF in NMEA 2000) or meaningless numbers (docs/spec/sources.md, "2 boatlog"). `NaN` is out of range.
 */
export function toMapPosition(latitude: number | null, longitude: number | null): MapPosition {
  if (latitude === null || longitude === null) return NO_POSITION;
  if (!(Math.abs(latitude) <= LATITUDE_MAX && Math.abs(longitude) <= LONGITUDE_MAX)) return NO_POSITION;
  return latitude === 0 && longitude === 0 ? NO_POSITION : { latitude, longitude };
}
