import type { TSchema } from 'typebox';
import { BOAT_ROUTES } from './boat-routes.ts';
import { FLEET_ROUTES } from './fleet-routes.ts';
import { NODE_ROUTES } from './node-routes.ts';
import { ACCESS_ROUTES, ACCOUNT_ROUTES } from './operator-routes.ts';
import { PAGE_ROUTES } from './page-routes.ts';
import type { Route } from './route.ts';
import type { ReadonlyStatic } from './schemas.ts';

/** Every route of central's API, in the order of the reference page. */
export const ROUTES = {
  ...BOAT_ROUTES,
  ...NODE_ROUTES,
  ...FLEET_ROUTES,
  ...ACCOUNT_ROUTES,
  ...ACCESS_ROUTES,
  ...PAGE_ROUTES,
} as const satisfies Readonly<Record<string, Route>>;

export type RouteId = keyof typeof ROUTES;
/** The body of a route's answer. */
export type AnswerOf<Id extends RouteId> = ReadonlyStatic<(typeof ROUTES)[Id]['answer']['schema']>;
/** A validated request body. Undefined if the route has none, or if its handler reads the body. */
export type BodyOf<Id extends RouteId> = (typeof ROUTES)[Id] extends {
  readonly bodySizeMaxBytes: number;
  readonly body: infer Body extends TSchema;
}
  ? ReadonlyStatic<Body>
  : undefined;
/** The refusals that a route's handler may return. */
export type RefusalOf<Id extends RouteId> = (typeof ROUTES)[Id]['refusals'][number];
/** Names of a route's path and query parameters. */
export type ParameterOf<Id extends RouteId> = Exclude<
  (typeof ROUTES)[Id]['parameters'][number],
  { readonly in: 'header' }
>['name'];

/** Every route with its ID. */
export const ROUTE_LIST: readonly (Route & { readonly id: RouteId })[] = Object.entries(ROUTES).map(
  // Object.entries widens the key type.
  ([id, route]) => ({ ...route, id: id as RouteId }),
);
