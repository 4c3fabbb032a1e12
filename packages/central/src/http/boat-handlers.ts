import type { BOAT_ROUTES } from '../api/boat-routes.ts';
import { loadConfiguration } from '../fleet/configuration.ts';
import { loadExportStatus } from '../fleet/export-status.ts';
import { loadHeldParts } from '../import/held-parts.ts';
import { handleEnrolment } from './enrolment-route.ts';
import { handleImport } from './import-route.ts';
import { answer, refuse } from './reply.ts';
import type { Handler } from './route-request.ts';

/** Handlers of the boat routes. */
export const BOAT_HANDLERS: { readonly [Id in keyof typeof BOAT_ROUTES]: Handler<Id> } = {
  importPart: handleImport,
  // R53: "Central MUST answer only for the installation of the token, with an empty list for an export that it does not hold."
  heldParts: async ({ store }, { installationId, parameters }) =>
    answer(
      await loadHeldParts(store, installationId, parameters.export_id ?? '', Number(parameters.after ?? '0')),
    ),
  exportStatus: async ({ store, wall }, { installationId }) =>
    toFound(await loadExportStatus(store, installationId, new Date(wall()).toISOString())),
  configuration: async ({ store }, { installationId }) =>
    toFound(await loadConfiguration(store, installationId)),
  redeemCode: handleEnrolment,
};

function toFound<T>(found: T | undefined) {
  return found === undefined
    ? refuse('NOT_FOUND', 'this installation is not enrolled')
    : { kind: 'answered' as const, body: found, headers: {} };
}
