import type { FLEET_ROUTES } from '../api/fleet-routes.ts';
import { listInstallations } from '../fleet/installations.ts';
import { FLEET_PAGE_POLICY, renderFleetPage } from './fleet-page.ts';
import { answer } from './reply.ts';
import type { Handler } from './route-request.ts';

/** Handlers of the routes about the fleet. */
export const FLEET_HANDLERS: { readonly [Id in keyof typeof FLEET_ROUTES]: Handler<Id> } = {
  fleetPage: async ({ store, wall }) =>
    answer<'fleetPage'>(
      await renderFleetPage(await listInstallations(store), new Date(wall()).toISOString()),
      { 'Content-Security-Policy': FLEET_PAGE_POLICY, 'Referrer-Policy': 'no-referrer' },
    ),
};
