import { Type } from 'typebox';
import { OPERATOR_REFUSALS, type Route } from './route.ts';

/** What the operator reads about the fleet. */
export const FLEET_ROUTES = {
  fleetPage: {
    method: 'GET',
    path: '/',
    access: 'operator',
    load: 'none',
    summary: 'Show the fleet as a web page.',
    description:
      'Send the operator token as a bearer token, or as the HTTP Basic password with any user name.',
    parameters: [],
    body: undefined,
    answer: { description: 'The page', contentType: 'text/html; charset=utf-8', schema: Type.String() },
    refusals: OPERATOR_REFUSALS,
  },
} as const satisfies Readonly<Record<string, Route>>;
