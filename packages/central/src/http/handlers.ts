import type { RouteId } from '../api/contract.ts';
import { ACCESS_HANDLERS } from './access-handlers.ts';
import { ACCOUNT_HANDLERS } from './account-handlers.ts';
import { BOAT_HANDLERS } from './boat-handlers.ts';
import { FLEET_HANDLERS } from './fleet-handlers.ts';
import { NODE_HANDLERS } from './node-handlers.ts';
import { PAGE_HANDLERS } from './page-handlers.ts';
import type { Handler } from './route-request.ts';

/** One handler for each route of the contract. The compiler checks each handler's answers and refusals against the contract. */
export const HANDLERS: { readonly [Id in RouteId]: Handler<Id> } = {
  ...BOAT_HANDLERS,
  ...NODE_HANDLERS,
  ...FLEET_HANDLERS,
  ...ACCOUNT_HANDLERS,
  ...ACCESS_HANDLERS,
  ...PAGE_HANDLERS,
};
