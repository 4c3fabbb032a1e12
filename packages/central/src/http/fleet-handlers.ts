import type { BoatFilter, BoatSort } from '../api/fleet-schemas.ts';
import type { FLEET_ROUTES } from '../api/fleet-routes.ts';
import { loadBoatDetails } from '../fleet/boat-details.ts';
import { listExports } from '../fleet/boat-exports.ts';
import { listAlerts, listLog, listRejected } from '../fleet/boat-records.ts';
import { listBoats } from '../fleet/list-boats.ts';
import { loadOverview } from '../fleet/overview.ts';
import { loadPositions } from '../fleet/positions.ts';
import type { SnapshotRules } from '../fleet/snapshots.ts';
import type { AppContext } from './context.ts';
import { refuse } from './reply.ts';
import type { Handler } from './route-request.ts';

/** Default number of entries in a list. */
const LIMIT_DEFAULT = 50;

/** Handlers of the fleet routes. */
export const FLEET_HANDLERS: { readonly [Id in keyof typeof FLEET_ROUTES]: Handler<Id> } = {
  fleetOverview: async (context) =>
    toAnswer(await loadOverview(context.store, toNow(context), toRules(context))),
  fleetBoats: async (context, { parameters }) => {
    const { tier } = parameters;
    const query = {
      // The parameter schemas allow only these values.
      sort: (parameters.sort ?? 'attention') as BoatSort,
      filter: (parameters.filter ?? 'all') as BoatFilter,
      tier: tier === undefined ? undefined : Number(tier),
      version: parameters.version,
      search: parameters.search?.trim(),
      after: parameters.after,
      limit: toLimit(parameters.limit),
    };
    return toPage(await listBoats(context.store, query, toNow(context)));
  },
  fleetPositions: async (context, { parameters }) => {
    const { west, south, east, north, cell } = parameters;
    const window = {
      west: Number(west),
      south: Number(south),
      east: Number(east),
      north: Number(north),
      cell: Number(cell),
    };
    if (window.cell === 0) return refuse('INVALID_FORMAT', 'the parameter cell must be greater than 0');
    return toAnswer(await loadPositions(context.store, window, toNow(context), toRules(context)));
  },
  fleetBoat: async (context, { parameters }) => {
    const found = await loadBoatDetails(context.store, parameters.id ?? '', toNow(context));
    return found === undefined ? refuse('NOT_FOUND', 'this installation is not enrolled') : toAnswer(found);
  },
  fleetExports: async (context, { parameters }) => {
    const { before } = parameters;
    const query = { ...toBoatQuery(parameters), before: before === undefined ? undefined : Number(before) };
    return toAnswer(await listExports(context.store, query, toNow(context)));
  },
  fleetLog: async (context, { parameters }) =>
    toPage(await listLog(context.store, toBoatQuery(parameters), toNow(context))),
  fleetAlerts: async (context, { parameters }) =>
    toAnswer(await listAlerts(context.store, toBoatQuery(parameters), toNow(context))),
  fleetRejected: async (context, { parameters }) =>
    toPage(await listRejected(context.store, toBoatQuery(parameters), toNow(context))),
};

function toNow({ wall }: AppContext): string {
  return new Date(wall()).toISOString();
}

function toRules({ log }: AppContext): SnapshotRules {
  return {
    onFailure: (error) =>
      log.write('warn', 'the fleet figures could not be computed; the previous ones are shown', {
        error: String(error),
      }),
  };
}

function toLimit(limit: string | undefined): number {
  return limit === undefined ? LIMIT_DEFAULT : Number(limit);
}

function toBoatQuery({ id, before, limit }: Readonly<Partial<Record<'id' | 'before' | 'limit', string>>>) {
  return { installationId: id ?? '', before, limit: toLimit(limit) };
}

function toAnswer<T>(body: T) {
  return { kind: 'answered' as const, body, headers: {} };
}

function toPage<T>(page: T | undefined) {
  return page === undefined
    ? refuse('INVALID_FORMAT', 'the parameter that names the next page is not a value that central returned')
    : toAnswer(page);
}
