import { feature, mesh } from 'topojson-client';

/** Land shapes as TopoJSON, from `world-atlas`. */
export type Topology = Parameters<typeof mesh>[0];
export type Land = ReturnType<typeof feature>;

/** Returns the land shapes in longitude and latitude, or undefined if the file has none. */
export function toLand(topology: Topology): Land | undefined {
  const land = topology.objects['land'];
  return land === undefined ? undefined : feature(topology, land);
}
