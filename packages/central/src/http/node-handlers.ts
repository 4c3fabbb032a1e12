import type { Health } from '@d3kos/protocol';
import type { NODE_ROUTES } from '../api/node-routes.ts';
import { toOpenApi } from '../api/openapi.ts';
import { type FleetTotals, loadFleetTotals, refreshFleetTotals } from '../fleet/totals.ts';
import { withDeadline } from '../platform/deadline.ts';
import { isCentralFailure } from '../platform/errors.ts';
import type { AppContext } from './context.ts';
import { answer, refuse } from './reply.ts';
import type { Handler } from './route-request.ts';

/** Handlers of the routes about the node itself. */
export const NODE_HANDLERS: { readonly [Id in keyof typeof NODE_ROUTES]: Handler<Id> } = {
  // R49: "Central MUST answer `GET /api/v1/health` without authentication with
  // `{"service":"d3kos-central","status":…,"time":…}`." R106: "While central has detected that its database cannot store an
  // export, it SHOULD answer the health request with 503 `UNAVAILABLE`." A boat then counts no attempt (R41), so no outage of the
  // database, however long, makes an export fail. A database that is too slow for every import counts as an outage.
  health: async ({ database, wall }) => {
    const fault = await database.findImportFault();
    if (fault !== undefined) return refuse('UNAVAILABLE', fault);
    const time = new Date(wall()).toISOString();
    return answer<'health'>({ service: 'd3kos-central', status: 'ok', time } satisfies Health);
  },
  // R99: "Central MUST answer `GET /api/v1/ready` without authentication with 200 while its database can store exports, otherwise
  // with 503 `UNAVAILABLE`."
  ready: async ({ database, wall }) => {
    const { fault } = await database.check();
    return fault === undefined
      ? answer<'ready'>({ service: 'd3kos-central', status: 'ready', time: new Date(wall()).toISOString() })
      : refuse('UNAVAILABLE', fault);
  },
  metrics: async (context) => answer<'metrics'>(await scrape(context)),
  openApi: () => answer<'openApi'>(toOpenApi()),
};

/** Longest time that a scrape waits for the fleet totals. Prometheus waits 10 s for the whole answer. */
const TOTALS_MAX_MS = 3_000;

/**
 * Returns every metric. If the database does not answer, one metric reports the outage, and the node's other metrics are still
 * returned.
 */
async function scrape(context: AppContext): Promise<string> {
  const { metrics, admission, guard, connections } = context;
  const database = await context.database.check();
  return metrics.toExposition({
    importsInProgress: admission.imports.inProgress(),
    importsWaiting: admission.imports.waiting(),
    heldBytes: admission.imports.heldBytes(),
    refusedCredentials: guard.refusedCount(),
    connections: connections?.(),
    database,
    fleet: database.fault === undefined ? await loadTotals(context) : undefined,
  });
}

async function loadTotals({ store, log }: AppContext): Promise<FleetTotals | undefined> {
  try {
    const totals = await withDeadline(loadFleetTotals(store), TOTALS_MAX_MS);
    // The answer does not wait for new totals; the next scrape shows them.
    if (totals?.isStale === true)
      void refreshFleetTotals(store).catch((error: unknown) =>
        log.write('warn', 'the fleet totals could not be computed', { error: String(error) }),
      );
    return totals;
  } catch (error) {
    if (!isCentralFailure(error)) throw error;
    log.write('warn', `the fleet totals are missing from the metrics: ${error.message} [${error.code}]`);
    return undefined;
  }
}
