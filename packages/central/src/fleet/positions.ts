import type { FleetBoat, FleetPositions } from '../api/fleet-schemas.ts';
import type { Queryable } from '../platform/ports.ts';
import { numberOf, textOf, textOrNullOf } from '../store/row.ts';
import { FILTER_SQL, IS_LATE, STATE_SQL } from './boat-state.ts';

/** Most groups in one answer: a mark on each cell of a map of 1,000 × 600 pixels with cells of 20 pixels. */
const GROUPS_MAX = 1_500;

/** The part of the earth that a map shows, in degrees. `west` may be greater than `east` across the date line. */
export interface MapWindow {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
  /** Side of a cell of the grid, in degrees. Boats in the same cell are one group. */
  readonly cell: number;
}

/** Returns the boats in a window by the cells of a grid. The answer is bounded for any number of boats. */
export async function loadPositions(
  store: Queryable,
  { west, south, east, north, cell }: MapWindow,
  nowIso: string,
): Promise<FleetPositions> {
  const rows = await store.query(
    `select avg(i.position_latitude)::float8 as latitude, avg(i.position_longitude)::float8 as longitude,
       count(*)::float8 as boats, count(*) filter (where ${IS_LATE} or ${FILTER_SQL.refused})::float8 as late,
       min(i.installation_id) as installation_id, min(i.position_latitude) as south, max(i.position_latitude) as north,
       min(i.position_longitude) as west, max(i.position_longitude) as east
     from installations i
     where i.position_latitude between $3::float8 and $5::float8
       and case when $2::float8 <= $4::float8 then i.position_longitude between $2::float8 and $4::float8
         else i.position_longitude >= $2::float8 or i.position_longitude <= $4::float8 end
     group by floor(i.position_latitude / $6::float8), floor(i.position_longitude / $6::float8)
     order by late desc, boats desc, installation_id limit $7::int`,
    [nowIso, west, south, east, north, cell, GROUPS_MAX],
  );
  const single = rows
    .filter((row) => numberOf(row, 'boats') === 1)
    .map((row) => textOf(row, 'installation_id'));
  const boats = await findBoats(store, single, nowIso);
  const [total = {}] = await store.query(
    'select count(*)::float8 as positioned from installations where position_latitude is not null',
  );
  return {
    status: 'success',
    as_of: nowIso,
    groups: rows.map((row) => {
      const boat = numberOf(row, 'boats') === 1 ? boats.get(textOf(row, 'installation_id')) : undefined;
      return {
        latitude: numberOf(row, 'latitude'),
        longitude: numberOf(row, 'longitude'),
        boats: numberOf(row, 'boats'),
        late: numberOf(row, 'late'),
        installation_id: boat?.installation_id ?? null,
        name: boat?.name ?? null,
        state: boat?.state ?? null,
      };
    }),
    bounds:
      rows.length === 0
        ? null
        : {
            west: Math.min(...rows.map((row) => numberOf(row, 'west'))),
            south: Math.min(...rows.map((row) => numberOf(row, 'south'))),
            east: Math.max(...rows.map((row) => numberOf(row, 'east'))),
            north: Math.max(...rows.map((row) => numberOf(row, 'north'))),
          },
    positioned: numberOf(total, 'positioned'),
  };
}

type NamedBoat = Pick<FleetBoat, 'installation_id' | 'name' | 'state'>;

async function findBoats(
  store: Queryable,
  ids: readonly string[],
  nowIso: string,
): Promise<ReadonlyMap<string, NamedBoat>> {
  if (ids.length === 0) return new Map();
  const rows = await store.query(
    `select i.installation_id, i.boat_name, ${STATE_SQL} as state from installations i
     where i.installation_id = any($2::text[])`,
    [nowIso, ids],
  );
  return new Map(
    rows.map((row) => {
      const id = textOf(row, 'installation_id');
      // STATE_SQL has only these values.
      const state = textOf(row, 'state') as FleetBoat['state'];
      return [id, { installation_id: id, name: textOrNullOf(row, 'boat_name'), state }];
    }),
  );
}
