import { CentralErrorSchema, FORMAT_VERSION } from '@d3kos/protocol';
import { type AnswerOf, ROUTE_LIST } from './contract.ts';
import { REFUSALS, type Refusal } from './refusals.ts';
import type { Access, Route } from './route.ts';

/** Returns central's API as an OpenAPI 3.1 document. It contains the same schemas that validate requests and answers. */
export function toOpenApi(): AnswerOf<'openApi'> {
  const paths: Record<string, Record<string, ReturnType<typeof toOperation>>> = {};
  for (const route of ROUTE_LIST)
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: toOperation(route) };
  return {
    openapi: '3.1.0',
    info: { title: 'd3kOS central', version: FORMAT_VERSION },
    components: { securitySchemes: SECURITY_SCHEMES, schemas: { Error: CentralErrorSchema } },
    paths,
  };
}

const SECURITY_SCHEMES = {
  deviceToken: { type: 'http', scheme: 'bearer', description: 'Issued by `d3kos-central enroll`.' },
  operatorToken: { type: 'http', scheme: 'bearer', description: 'CENTRAL_OPERATOR_TOKEN.' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: '__Host-d3kos_session',
    description: 'Set by a login. A request that changes something also needs `X-Requested-With`.',
  },
};

function toOperation(route: Route) {
  const { summary, description, parameters, body, answer } = route;
  return {
    summary,
    ...(description === '' ? {} : { description }),
    security: toSecurity(route.access),
    parameters,
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, ...toContent('application/json', body) } }),
    responses: {
      '200': { description: answer.description, ...toContent(answer.contentType, answer.schema) },
      ...toRefusalResponses(route.refusals),
    },
  };
}

/** Returns one response for each status, with a list of its error codes. */
function toRefusalResponses(refusals: readonly Refusal[]) {
  const codes = new Map<number, string[]>();
  for (const { status, code } of refusals.map((refusal) => REFUSALS[refusal]))
    codes.set(status, [...(codes.get(status) ?? []), code]);
  return Object.fromEntries(
    [...codes].map(([status, names]) => [
      String(status),
      {
        description: names.join(', '),
        ...toContent('application/json', { $ref: '#/components/schemas/Error' }),
      },
    ]),
  );
}

function toSecurity(access: Access): readonly Readonly<Record<string, readonly []>>[] {
  switch (access) {
    case 'anyone':
      return [];
    case 'boat-imports':
    case 'boat-reads':
      return [{ deviceToken: [] }];
    case 'boat-or-operator':
    case 'boat-or-admin':
      return [{ deviceToken: [] }, { session: [] }, { operatorToken: [] }];
    case 'operator':
    case 'admin':
      return [{ session: [] }, { operatorToken: [] }];
  }
}

function toContent(contentType: string, schema: unknown) {
  return { content: { [contentType.split(';')[0] ?? contentType]: { schema } } };
}
