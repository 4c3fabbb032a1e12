import { strict as assert } from 'node:assert';
import { type CentralError, CentralErrorSchema } from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import { ROUTE_LIST, type RouteId } from '../api/contract.ts';
import { REFUSALS, type Refusal } from '../api/refusals.ts';
import type { Route } from '../api/route.ts';

/** A response in terms of the contract. `route` is undefined for a path or method without a route. */
export type ContractReply =
  | { readonly kind: 'answered'; readonly route: RouteId }
  | { readonly kind: 'refused'; readonly route: RouteId | undefined; readonly refusal: Refusal };

const isCentralError = Compile(CentralErrorSchema);
const isAnswer = new Map(ROUTE_LIST.map(({ id, answer }) => [id, Compile(answer.schema)]));

/** Fails unless the response matches the answer schema of the request's route or is a refusal that the route lists. */
export async function assertKeepsContract(request: Request, response: Response): Promise<ContractReply> {
  const { pathname } = new URL(request.url);
  const route = ROUTE_LIST.find(({ method, path }) => method === request.method && matches(path, pathname));
  const text = await response.clone().text();
  const contentType = response.headers.get('Content-Type') ?? '';
  if (route !== undefined && response.status === 200) {
    assert.equal(contentType, route.answer.contentType);
    const body: unknown = contentType.startsWith('application/json') ? JSON.parse(text) : text;
    const check = isAnswer.get(route.id);
    assert.ok(check?.Check(body), `${route.path}: ${JSON.stringify(check?.Errors(body).slice(0, 3))}`);
    return { kind: 'answered', route: route.id };
  }
  assert.equal(contentType, 'application/json; charset=utf-8');
  const body: unknown = JSON.parse(text);
  assert.ok(isCentralError.Check(body), text);
  const listed: readonly Refusal[] = route?.refusals ?? ['NOT_FOUND', 'METHOD_NOT_ALLOWED'];
  const refusal = listed.find((name) => isRefusal(name, response.status, body));
  assert.ok(
    refusal !== undefined,
    `the contract does not allow ${request.method} ${pathname} to answer ${response.status} ${text}`,
  );
  return { kind: 'refused', route: route?.id, refusal };
}

function isRefusal(name: Refusal, status: number, body: CentralError): boolean {
  return REFUSALS[name].status === status && REFUSALS[name].code === body.error_code;
}

function matches(path: Route['path'], pathname: string): boolean {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(pathname);
}
