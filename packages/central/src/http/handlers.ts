import type { Health } from '@d3kos/protocol';
import type { AdmittedRequest } from '../admission/admission.ts';
import type { ParameterOf, RouteId, ROUTES } from '../api/contract.ts';
import { toOpenApi } from '../api/openapi.ts';
import { loadConfiguration } from '../fleet/configuration.ts';
import { loadExportStatus } from '../fleet/export-status.ts';
import { listInstallations, sumFleet } from '../fleet/installations.ts';
import { loadHeldParts } from '../import/held-parts.ts';
import type { AppContext } from './context.ts';
import { FLEET_PAGE_POLICY, renderFleetPage } from './fleet-page.ts';
import { handleImport } from './import-route.ts';
import { toExposition } from './metrics.ts';
import { answer, type Reply, refuse } from './reply.ts';

/** An authorized and admitted request, whose parameters match their schemas. */
export interface RouteRequest<Id extends RouteId> {
  readonly raw: Request;
  readonly parameters: Readonly<Partial<Record<ParameterOf<Id>, string>>>;
  readonly installationId: InstallationOf<Id>;
  readonly admitted: AdmittedRequest;
}

/** The installation a request is about; undefined for the routes that are not about one. */
type InstallationOf<Id extends RouteId> = (typeof ROUTES)[Id]['access'] extends 'anyone' | 'operator'
  ? undefined
  : string;

export type Handler<Id extends RouteId> = (
  context: AppContext,
  request: RouteRequest<Id>,
) => Promise<Reply<Id>> | Reply<Id>;

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
  metrics: async ({ store, counters, admission }) =>
    answer<'metrics'>(toExposition(counters, admission.imports.inProgress(), await sumFleet(store))),
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
