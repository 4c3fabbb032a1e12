import type { Answer } from './contract.ts';
import { listRoutes } from './contract.ts';
import type { Route } from './route.ts';
import { ErrorSchema } from './schemas.ts';

const ERROR_ANSWER = {
  description: 'The request was refused or failed',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
};

/** Describes the API as an OpenAPI 3.1 document. The contract's schemas are already JSON Schema. */
export function toOpenApi(version: string): Answer<'openapi'> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of listRoutes())
    paths[route.path] = {
      ...paths[route.path],
      [route.method.toLowerCase()]: toOperation(route, route.name),
    };
  return {
    openapi: '3.1.0',
    info: { title: 'd3kOS export manager', version },
    paths,
    components: { schemas: { Error: ErrorSchema } },
  };
}

function toOperation(route: Route, operationId: string): Readonly<Record<string, unknown>> {
  const pathNames = [...route.path.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1] ?? '');
  const { mediaType, schema } = route.answer;
  return {
    operationId,
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    parameters: [
      ...pathNames.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
      ...Object.entries(route.query?.properties ?? {}).map(([name, parameter]) => ({
        name,
        in: 'query',
        schema: parameter,
      })),
    ],
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: false, content: { 'application/json': { schema: route.body } } } }),
    responses: {
      '200': { description: 'Done', content: { [mediaType]: { schema } } },
      ...(route.emptyWhen === undefined ? {} : { '204': { description: `Empty: ${route.emptyWhen}` } }),
      default: ERROR_ANSWER,
    },
  };
}
