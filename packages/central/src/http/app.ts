import { Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { Compile } from 'typebox/compile';
import { type AdmittedRequest, createAdmission, UNLIMITED_REQUEST } from '../admission/admission.ts';
import {
  DEFAULT_IMPORT_LIMITS,
  toImportAdmissionLimits,
  toQueryAdmissionLimits,
} from '../admission/policy.ts';
import { type Load, ROUTE_LIST, type Route, type RouteId, ROUTES } from '../api/contract.ts';
import { isCentralFailure } from '../platform/errors.ts';
import type { Log } from '../platform/ports.ts';
import { isStoreUnavailable } from '../platform/store-failure.ts';
import { authorize } from './authorize.ts';
import type { AppContext, AppDeps } from './context.ts';
import { HANDLERS } from './handlers.ts';
import { countImportReply, createCounters } from './metrics.ts';
import {
  COMMON_HEADERS,
  type Reply,
  refuse,
  refuseAdmission,
  toRefusalResponse,
  toResponse,
} from './reply.ts';
import type { Handler, RouteRequest } from './route-request.ts';

/** Central's HTTP API: one request in, one response out. It has no timer of its own. */
export interface App {
  fetch(request: Request): Promise<Response>;
}

/** Builds central's HTTP API. A node keeps only counters in memory, so several nodes may share one database. */
export function createApp(deps: AppDeps): App {
  const limits = { ...DEFAULT_IMPORT_LIMITS, ...deps.limits };
  const context: AppContext = {
    ...deps,
    limits,
    admission: {
      imports: createAdmission(toImportAdmissionLimits(limits)),
      queries: createAdmission(toQueryAdmissionLimits(limits)),
    },
    counters: createCounters(),
  };
  const routes = createRoutes(context);
  return {
    async fetch(request) {
      const response = await routes.fetch(request);
      for (const [name, value] of Object.entries(COMMON_HEADERS)) response.headers.set(name, value);
      // R51: "Central MUST send its clock in the `Date` header of every answer."
      response.headers.set('Date', new Date(deps.wall()).toUTCString());
      return response;
    },
  };
}

function createRoutes(context: AppContext): Hono {
  const app = new Hono();
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (_context, methods) =>
        toRefusalResponse(
          refuse('METHOD_NOT_ALLOWED', `this route accepts ${methods.join(', ')}`, {
            Allow: methods.join(', '),
          }),
        ),
    }),
  );
  for (const { id, method, path } of ROUTE_LIST) {
    const respond = createResponder(context, id);
    app.on(method, path.replaceAll(/\{(\w+)\}/g, ':$1'), ({ req }) =>
      respond(req.raw, { ...req.query(), ...req.param() }),
    );
  }
  app.notFound(() => toRefusalResponse(refuse('NOT_FOUND', 'there is no such route; see /openapi.json')));
  app.onError((error, { req }) => toFailureResponse(error, req.path, context.log));
  return app;
}

/** A failure of the database is answered with 503; any other failure is a defect, which only the log describes. */
function toFailureResponse(error: Error, path: string, log: Log): Response {
  if (isCentralFailure(error) && isStoreUnavailable(error)) {
    log.write('warn', `${error.message} [${error.code}]`, { path, hint: error.hint });
    return toRefusalResponse(refuse('UNAVAILABLE', 'the database is not available'));
  }
  log.write('error', 'request failed', { path, error: error.stack ?? error.message });
  return toRefusalResponse(refuse('INTERNAL', 'internal error; see the log of this node'));
}

type Parameters = Readonly<Partial<Record<string, string>>>;
type Responder = (request: Request, parameters: Parameters) => Promise<Response>;

/** Answers the requests of one route: authorize, check parameters, admit, handle. */
function createResponder<Id extends RouteId>(context: AppContext, id: Id): Responder {
  const route: Route = ROUTES[id];
  const findFault = createParameterCheck(route);
  const reply = async (raw: Request, parameters: Parameters): Promise<Reply<RouteId>> => {
    const caller = await authorize(context, route, raw, parameters);
    if (caller.kind === 'refused') return caller;
    const fault = findFault(parameters);
    if (fault !== undefined) return refuse('INVALID_FORMAT', fault);
    // HANDLERS has the handler of `id` under `id`, and `authorize` returns an installation for the routes that need one.
    const handle = HANDLERS[id] as unknown as Handler<RouteId>;
    const run = (admitted: AdmittedRequest) =>
      handle(context, {
        raw,
        parameters,
        installationId: caller.kind === 'anyone' ? undefined : caller.installationId,
        admitted,
      } as RouteRequest<RouteId>);
    return caller.kind === 'boat'
      ? runAdmitted(context, route.load, caller.installationId, run)
      : run(UNLIMITED_REQUEST);
  };
  return async (raw, parameters) => {
    const given = await reply(raw, parameters);
    // The type parameter and `id` name the same route, which the compiler cannot see.
    if (id === 'importPart') countImportReply(context.counters, given as Reply<'importPart'>);
    return toResponse(id, given as Reply<Id>);
  };
}

/** Names the first path or query parameter that does not match its schema. */
function createParameterCheck({ parameters }: Route): (given: Parameters) => string | undefined {
  const checks = parameters
    .filter((parameter) => parameter.in !== 'header')
    .map(({ name, required, schema }) => ({ name, required, schema: Compile(schema) }));
  return (given) => {
    const fault = checks.find(({ name, required, schema }) => {
      const value = given[name];
      return value === undefined ? required : !schema.Check(value);
    });
    return fault === undefined ? undefined : `the parameter ${fault.name} is missing or invalid`;
  };
}

/** Runs a boat's request within the limits of its load. */
async function runAdmitted(
  { admission }: AppContext,
  load: Load,
  installationId: string,
  run: (admitted: AdmittedRequest) => Promise<Reply<RouteId>> | Reply<RouteId>,
): Promise<Reply<RouteId>> {
  if (load === 'none') return run(UNLIMITED_REQUEST);
  const admitted = (load === 'import' ? admission.imports : admission.queries).admit(installationId);
  if (admitted.kind !== 'admitted') return refuseAdmission(admitted.kind);
  try {
    if (load === 'query' && !(await admitted.request.acquirePermit())) return refuseAdmission('node_busy');
    return await run(admitted.request);
  } finally {
    admitted.request.release();
  }
}
