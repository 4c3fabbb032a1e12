import { HEALTH_PATH, HealthSchema } from '@d3kos/protocol';
import { Type } from 'typebox';
import { JSON_TYPE, type Route, STORE_REFUSALS } from './route.ts';
import { OpenApiSchema } from './schemas.ts';

/** What a node answers about itself. */
export const NODE_ROUTES = {
  health: {
    method: 'GET',
    path: HEALTH_PATH,
    access: 'anyone',
    load: 'none',
    summary: "Return the name of this service and central's time.",
    description:
      'The node does not read the database for this answer, so the answer does not show whether the database is available.',
    parameters: [],
    body: undefined,
    answer: { description: 'The name and the time', contentType: JSON_TYPE, schema: HealthSchema },
    refusals: [],
  },
  metrics: {
    method: 'GET',
    path: '/metrics',
    access: 'anyone',
    load: 'none',
    summary: 'Return metrics in the Prometheus text format.',
    description: 'No metric names an installation.',
    parameters: [],
    body: undefined,
    answer: {
      description: 'The metrics',
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      schema: Type.String(),
    },
    refusals: STORE_REFUSALS,
  },
  openApi: {
    method: 'GET',
    path: '/openapi.json',
    access: 'anyone',
    load: 'none',
    summary: 'Return this API as an OpenAPI 3.1 document.',
    description: '',
    parameters: [],
    body: undefined,
    answer: { description: 'The document', contentType: JSON_TYPE, schema: OpenApiSchema },
    refusals: [],
  },
} as const satisfies Readonly<Record<string, Route>>;
