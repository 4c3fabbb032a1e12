import type { Health } from '@d3kos/protocol';
import type { RouteId } from '../api/contract.ts';
import { toOpenApi } from '../api/openapi.ts';
import { loadConfiguration } from '../fleet/configuration.ts';
import { loadExportStatus } from '../fleet/export-status.ts';
import { listInstallations, sumFleet } from '../fleet/installations.ts';
import { loadHeldParts } from '../import/held-parts.ts';
import { FLEET_PAGE_POLICY, renderFleetPage } from './fleet-page.ts';
import { handleImport } from './import-route.ts';
import { toExposition } from './metrics.ts';
import { answer, refuse } from './reply.ts';
import type { Handler } from './route-request.ts';

/** One handler for each route of the contract. The compiler checks answers and refusals against the contract. */
export const HANDLERS: { readonly [Id in RouteId]: Handler<Id> } = {
  importPart: handleImport,
  // R53: "Central MUST answer only for the installation of the token; an export that it does not hold has an empty list."
  heldParts: async ({ store }, { installationId, parameters }) =>
    answer(
      await loadHeldParts(store, installationId, parameters.export_id ?? '', Number(parameters.after ?? '0')),
    ),
  exportStatus: async ({ store }, { installationId }) =>
    toFound(await loadExportStatus(store, installationId)),
  configuration: async ({ store }, { installationId }) =>
    toFound(await loadConfiguration(store, installationId)),
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
  fleetPage: async ({ store, wall }) =>
    answer<'fleetPage'>(
      await renderFleetPage(await listInstallations(store), new Date(wall()).toISOString()),
      { 'Content-Security-Policy': FLEET_PAGE_POLICY, 'Referrer-Policy': 'no-referrer' },
    ),
};

function toFound<T>(found: T | undefined) {
  return found === undefined
    ? refuse('NOT_FOUND', 'this installation is not enrolled')
    : { kind: 'answered' as const, body: found, headers: {} };
}
