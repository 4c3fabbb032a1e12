import type { FleetBoat, FleetPositions } from '../api/fleet-schemas.ts';
import type { Queryable, Store } from '../platform/ports.ts';
import { numberOf, textOf, textOrNullOf } from '../store/row.ts';
import { FILTER_SQL, IS_LATE, STATE_SQL } from './boat-state.ts';
import { isLargeFleet, loadSnapshot, type SnapshotRules } from './snapshots.ts';

/** Maximum number of groups in one answer: one marker for each 20-pixel cell of a map of 1,000 × 600 pixels. */
const GROUPS_MAX = 1_500;

/** The area that a map shows, in degrees. If it crosses the date line, `west` is greater than `east`. */
export interface MapWindow {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
  /** Side of a grid cell, in degrees. Boats in the same cell are one group. */
  readonly cell: number;
}

/** Side of the cells in `fleet_cells`, in degrees. */
const KEPT_CELL = 1;
/**
 * From this cell side on, the precomputed cells are grouped instead of the boats. A map with smaller cells shows only part of the
 * earth.
 */
const GROUPED_CELL_MIN = 2;

/** One row for each boat with a position. `$1` is the current time. */
const BOATS_SQL = `
select i.position_latitude as latitude, i.position_longitude as longitude, 1 as boats,
  case when ${IS_LATE} or ${FILTER_SQL.refused} then 1 else 0 end as late, i.installation_id,
  i.position_latitude as south, i.position_latitude as north, i.position_longitude as west, i.position_longitude as east
from installations i where i.position_latitude is not null`;

/** One row for each precomputed cell. The condition serves only to give `$1` its type. */
const CELLS_SQL = `
select latitude, longitude, boats, late, installation_id, south, north, west, east
from fleet_cells where $1::timestamptz is not null`;

/** SQL that groups rows with a position by grid cell. */
function toGroupsSql(rowsSql: string, where: string, cell: string): string {
  return `select sum(p.latitude * p.boats) / sum(p.boats) as latitude, sum(p.longitude * p.boats) / sum(p.boats) as longitude,
    sum(p.boats)::float8 as boats, sum(p.late)::float8 as late, min(p.installation_id) as installation_id,
    min(p.south) as south, max(p.north) as north, min(p.west) as west, max(p.east) as east
  from (${rowsSql}) p where ${where}
  group by floor(p.latitude / ${cell}), floor(p.longitude / ${cell})`;
}

const IN_WINDOW = `p.latitude between $3::float8 and $5::float8
  and case when $2::float8 <= $4::float8 then p.longitude between $2::float8 and $4::float8
    else p.longitude >= $2::float8 or p.longitude <= $4::float8 end`;

/** Recomputes `fleet_cells`. A cell's longitude and latitude are the averages of its boats, so they lie inside the cell. */
async function computeCells(tx: Queryable, nowIso: string): Promise<{ readonly positioned: number }> {
  await tx.query('delete from fleet_cells');
  await tx.query(
    `insert into fleet_cells (latitude, longitude, boats, late, installation_id, south, north, west, east)
     ${toGroupsSql(BOATS_SQL, 'true', String(KEPT_CELL))}`,
    [nowIso],
  );
  const [row = {}] = await tx.query('select coalesce(sum(boats), 0)::float8 as positioned from fleet_cells');
  return { positioned: numberOf(row, 'positioned') };
}

async function countPositioned(store: Queryable): Promise<{ readonly positioned: number }> {
  const [row = {}] = await store.query(
    'select count(*)::float8 as positioned from installations where position_latitude is not null',
  );
  return { positioned: numberOf(row, 'positioned') };
}

/**
 * Returns the boats in a window, grouped by grid cell. The size of the answer is bounded for any number of boats. For a large
 * fleet, a map with cells of 2 degrees or more and the number of positioned boats may be up to 5 minutes old.
 */
export async function loadPositions(
  store: Store,
  { west, south, east, north, cell }: MapWindow,
  nowIso: string,
  rules: SnapshotRules = {},
): Promise<FleetPositions> {
  const isLarge = await isLargeFleet(store, rules);
  const compute = (tx: Queryable) => computeCells(tx, nowIso);
  const { positioned } = await (isLarge
    ? loadSnapshot(store, { name: 'cells-1', compute }, rules)
    : countPositioned(store));
  const rowsSql = isLarge && cell >= GROUPED_CELL_MIN ? CELLS_SQL : BOATS_SQL;
  const rows = await store.query(
    `${toGroupsSql(rowsSql, IN_WINDOW, '$6::float8')}
     order by late desc, boats desc, installation_id limit $7::int`,
    [nowIso, west, south, east, north, cell, GROUPS_MAX],
  );
  const single = rows
    .filter((row) => numberOf(row, 'boats') === 1)
    .map((row) => textOf(row, 'installation_id'));
  const boats = await findBoats(store, single, nowIso);
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
    positioned,
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
      // STATE_SQL returns only these values.
      const state = textOf(row, 'state') as FleetBoat['state'];
      return [id, { installation_id: id, name: textOrNullOf(row, 'boat_name'), state }];
    }),
  );
}
