import { HEALTH_PATH, HealthSchema } from '@d3kos/protocol';
import { Type } from 'typebox';
import { JSON_TYPE, type Route } from './route.ts';
import { OpenApiSchema, ReadySchema } from './schemas.ts';

/** The routes about the node itself. */
export const NODE_ROUTES = {
  health: {
    method: 'GET',
    path: HEALTH_PATH,
    access: 'anyone',
    load: 'none',
    summary: "Returns the name of this service and central's time.",
    description:
      'Boats use this to check whether central can store exports. The node checks its database only after a request has failed because of it. The answer is then 503 until the database can store exports again. If an import took too long and no other import was stored in the last 20 s, the answer is 503 for 30 s or until an import is stored.',
    parameters: [],
    body: undefined,
    answer: { description: 'The name and the time', contentType: JSON_TYPE, schema: HealthSchema },
    refusals: ['UNAVAILABLE'],
  },
  ready: {
    method: 'GET',
    path: '/api/v1/ready',
    access: 'anyone',
    load: 'none',
    summary: 'Answers 200 while this node can store exports.',
    description:
      "The database must answer within 3 s, accept writes, have free space, store imports in time and have this version's schema. Otherwise the answer is 503 with the reason. Use this route for load balancers, and `/metrics` to check whether the program is running.",
    parameters: [],
    body: undefined,
    answer: { description: 'The node can store exports', contentType: JSON_TYPE, schema: ReadySchema },
    refusals: ['UNAVAILABLE'],
  },
  metrics: {
    method: 'GET',
    path: '/metrics',
    access: 'anyone',
    load: 'none',
    summary: 'Returns metrics in the Prometheus text format.',
    description:
      'No metric identifies an installation. While the database does not answer, the fleet totals are absent.',
    parameters: [],
    body: undefined,
    answer: {
      description: 'The metrics',
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      schema: Type.String(),
    },
    refusals: [],
  },
  openApi: {
    method: 'GET',
    path: '/openapi.json',
    access: 'anyone',
    load: 'none',
    summary: 'Returns this API as an OpenAPI 3.1 document.',
    description: '',
    parameters: [],
    body: undefined,
    answer: { description: 'The document', contentType: JSON_TYPE, schema: OpenApiSchema },
    refusals: [],
  },
} as const satisfies Readonly<Record<string, Route>>;
