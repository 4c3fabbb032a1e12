import type { Health } from '@d3kos/protocol';
import type { NODE_ROUTES } from '../api/node-routes.ts';
import { toOpenApi } from '../api/openapi.ts';
import { sumFleet } from '../fleet/installations.ts';
import { toExposition } from './metrics.ts';
import { answer } from './reply.ts';
import type { Handler } from './route-request.ts';

/** Handlers of the routes about the node itself. */
export const NODE_HANDLERS: { readonly [Id in keyof typeof NODE_ROUTES]: Handler<Id> } = {
  // R49: "Central MUST answer `GET /api/v1/health` without authentication with
  // `{"service":"d3kos-central","status":…,"time":…}`."
  health: ({ wall }) =>
    answer<'health'>({
      service: 'd3kos-central',
      status: 'ok',
      time: new Date(wall()).toISOString(),
    } satisfies Health),
  metrics: async ({ store, counters, admission, guard }) => {
    const node = {
      importsInProgress: admission.imports.inProgress(),
      refusedCredentials: guard.refusedCount(),
    };
    return answer<'metrics'>(toExposition(counters, node, await sumFleet(store)));
  },
  openApi: () => answer<'openApi'>(toOpenApi()),
};
