import { Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { Compile } from 'typebox/compile';
import { type AdmissionResult, createAdmission, UNLIMITED_REQUEST } from '../admission/admission.ts';
import {
  DEFAULT_IMPORT_LIMITS,
  toImportAdmissionLimits,
  toQueryAdmissionLimits,
  toWorkBudget,
} from '../admission/policy.ts';
import { createReturnSchedule } from '../admission/return-schedule.ts';
import { createWorkMeter } from '../admission/work-meter.ts';
import { ROUTE_LIST, type RouteId, ROUTES } from '../api/contract.ts';
import type { Refusal } from '../api/refusals.ts';
import type { Load, Route } from '../api/route.ts';
import { isCentralFailure } from '../platform/errors.ts';
import type { Connection } from '../platform/listen.ts';
import type { BodySource } from '../platform/ports.ts';
import { DEFAULT_QUOTA } from '../import/quota-policy.ts';
import { createInlinePreparer } from '../import/preparer.ts';
import { isStoreUnavailable } from '../platform/store-failure.ts';
import { createArchiveSlots } from './archive-slots.ts';
import { authorize } from './authorize.ts';
import type { AppContext, AppDeps } from './context.ts';
import { createCredentialGuard } from './credential-guard.ts';
import { HANDLERS } from './handlers.ts';
import { createDatabaseWatch, toDatabaseFault } from './database-watch.ts';
import { createBodyReader } from './json-body.ts';
import { createNodeMetrics } from './metrics.ts';
import { createQuotaGuard } from './quota-guard.ts';
import { createRequestIds, REQUEST_ID_HEADER } from './request-id.ts';
import {
  COMMON_HEADERS,
  type Reply,
  refuse,
  refuseAdmission,
  toRefusalResponse,
  toResponse,
} from './reply.ts';
import { addReturnTime, type HandledRequest } from './return-times.ts';
import type { Handler, RouteRequest } from './route-request.ts';
import { type Sender, toSender } from './sender.ts';
import { createStorageCheck } from './storage-check.ts';

/** Central's HTTP API: one request in, one response out. It starts no timers. */
export interface App {
  /**
   * `connection` describes where the request came from. Without it, the sender's address is unknown, and the body is read from
   * the request.
   */
  fetch(request: Request, connection?: Connection): Promise<Response>;
}

/** Builds central's HTTP API. A node keeps only counters in memory, so several nodes may share one database. */
export function createApp(given: AppDeps): App {
  const requestIds = createRequestIds(given.log, given.randomHex);
  const deps: AppDeps = { ...given, log: requestIds.log };
  const limits = { ...DEFAULT_IMPORT_LIMITS, ...deps.limits };
  const { monotonic } = deps;
  const meter = createWorkMeter(toWorkBudget(limits), monotonic);
  const quota = { ...DEFAULT_QUOTA, ...deps.quota };
  const metrics = createNodeMetrics();
  const schedule = createReturnSchedule(monotonic);
  deps.registerProcessMetrics?.(metrics.registry);
  const context: AppContext = {
    ...deps,
    limits,
    quota,
    meter,
    quotaGuard: createQuotaGuard(deps, quota, meter),
    isStorageShort: createStorageCheck(deps),
    inlinePreparer: createInlinePreparer(monotonic),
    admission: {
      imports: createAdmission(toImportAdmissionLimits(limits), meter, monotonic),
      queries: createAdmission(toQueryAdmissionLimits(limits), meter, monotonic),
    },
    archives: createArchiveSlots(),
    metrics,
    database: createDatabaseWatch(deps),
    guard: createCredentialGuard(deps),
  };
  const routes = createRoutes(context);
  return {
    fetch: (request, connection) =>
      requestIds.run(request, async (requestId) => {
        const startedMs = monotonic();
        const forwardedFor = request.headers.get('X-Forwarded-For');
        const sender = toSender(connection?.remoteAddress, forwardedFor, deps.trustedProxies ?? []);
        const handled: HandledRequest = { route: 'unmatched', installationId: undefined };
        const { body: bodySource, limitSilence } = connection ?? {};
        const response = await routes.fetch(request, { sender, handled, bodySource, limitSilence });
        addReturnTime(response, handled, schedule);
        for (const [name, value] of Object.entries(COMMON_HEADERS)) response.headers.set(name, value);
        // R51: "Central MUST send its clock in the `Date` header of every answer."
        response.headers.set('Date', new Date(deps.wall()).toUTCString());
        // R100: "Central MUST identify each request in the `X-Request-Id` header of the answer, using the request's own ID if it
        // consists of 8 to 64 of the characters `A-Z a-z 0-9 _ -`."
        response.headers.set(REQUEST_ID_HEADER, requestId);
        const durationMs = monotonic() - startedMs;
        metrics.observeRequest(handled.route, response.status, durationMs);
        deps.log.write('debug', 'request answered', {
          route: handled.route,
          status: response.status,
          duration_ms: Math.round(durationMs),
        });
        return response;
      }),
  };
}

type RoutesEnv = {
  readonly Bindings: {
    readonly sender: Sender;
    readonly handled: HandledRequest;
    readonly bodySource: BodySource | undefined;
    readonly limitSilence: Connection['limitSilence'] | undefined;
  };
};

function createRoutes(context: AppContext): Hono<RoutesEnv> {
  const app = new Hono<RoutesEnv>();
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
    app.on(method, path.replaceAll(/\{(\w+)\}/g, ':$1'), async ({ req, env }) => {
      env.handled.route = id;
      const response = await respond(req.raw, { ...req.query(), ...req.param() }, env);
      // Hono answers HEAD like GET and drops the body. A body that nobody reads would keep its request in progress forever.
      if (req.method === 'HEAD') await response.body?.cancel();
      return response;
    });
  }
  app.notFound(() => toRefusalResponse(refuse('NOT_FOUND', 'there is no such route; see /openapi.json')));
  app.onError((error, { req, env }) => toFailureResponse(error, req.path, env.handled, context));
  return app;
}

/** A database failure becomes a 503. Any other failure is a defect, whose details appear only in the log. */
function toFailureResponse(
  error: Error,
  path: string,
  { route }: HandledRequest,
  { log, database }: AppContext,
): Response {
  if (isCentralFailure(error) && isStoreUnavailable(error)) {
    database.noteFailure(error.code, route === 'importPart' ? 'import' : 'other');
    log.write('warn', `${error.message} [${error.code}]`, { path, hint: error.hint });
    return toRefusalResponse(refuse('UNAVAILABLE', toDatabaseFault(error.code)));
  }
  log.write('error', 'request failed', { path, error: error.stack ?? error.message });
  return toRefusalResponse(refuse('INTERNAL', 'internal error; see the log of this node'));
}

type Parameters = Readonly<Partial<Record<string, string>>>;
type Responder = (request: Request, parameters: Parameters, env: RoutesEnv['Bindings']) => Promise<Response>;

/** Handles the requests of one route in four steps: authorize, check parameters, admit, handle. */
function createResponder<Id extends RouteId>(context: AppContext, id: Id): Responder {
  const route: Route = ROUTES[id];
  const findFault = createParameterCheck(route);
  const readBody = createBodyReader(route);
  return async (raw, parameters, { sender, handled, bodySource, limitSilence }) => {
    const respond = (reply: Reply<RouteId>, onSent: () => void = () => undefined) => {
      // The type parameter and `id` refer to the same route, which the compiler cannot infer.
      if (id === 'importPart') context.metrics.countImportReply(reply as Reply<'importPart'>);
      return toResponse(id, reply as Reply<Id>, onSent);
    };
    // R110: "While central has detected that its database cannot store an export, it SHOULD answer 503 to an import before it
    // reads the body."
    const trouble = route.load === 'import' ? await context.database.findImportFault() : undefined;
    if (trouble !== undefined) return respond(refuse('UNAVAILABLE', trouble));
    const caller = await authorize(context, route, raw, parameters, sender);
    if (caller.kind === 'refused') return respond(caller);
    if (caller.kind === 'boat') handled.installationId = caller.installationId;
    if (route.answerMaxMs !== undefined) limitSilence?.(route.answerMaxMs);
    const fault = findFault(parameters);
    if (fault !== undefined) return respond(refuse('INVALID_FORMAT', fault));
    const checked = await readBody({ raw, bodySource });
    if (checked.kind === 'refused') return respond(checked);
    // HANDLERS maps each ID to its own handler, and `authorize` returns an installation for the routes that need one.
    const handle = HANDLERS[id] as unknown as Handler<RouteId>;
    const installationId = caller.kind === 'anyone' ? undefined : caller.installationId;
    const admission = caller.kind === 'boat' ? admit(context, route.load, caller.installationId) : UNLIMITED;
    if (admission.kind !== 'admitted') return respond(refuseAdmission(admission.kind));
    const admitted = admission.request;
    try {
      if (route.load === 'query' && !(await admitted.acquirePermit('light'))) {
        admitted.release();
        return respond(refuseAdmission('node_busy'));
      }
      const credential = caller.kind === 'boat' ? caller.credential : undefined;
      const { body } = checked;
      const operator = caller.kind === 'operator' ? caller.operator : undefined;
      const facts = {
        raw,
        bodySource,
        parameters,
        body,
        sender,
        installationId,
        operator,
        credential,
        admitted,
      };
      const request = facts as RouteRequest<RouteId>;
      const reply = await handle(context, request);
      // Sending the answer may take long. Meanwhile the request counts only against its installation's limit.
      admitted.endWork();
      if (reply.kind === 'refused' && caller.kind === 'boat' && AUDITED_REFUSALS.has(reply.refusal))
        await context.guard.noteRefused(sender, caller.installationId, reply.refusal);
      return respond(reply, admitted.release);
    } catch (error) {
      admitted.release();
      throw error;
    }
  };
}

/**
 * Refusals after authorization that go into the audit trail and into the operator's list, because the boat was not allowed to do
 * what it requested. The guard writes each of them at most once a minute for each boat.
 */
const AUDITED_REFUSALS: ReadonlySet<Refusal> = new Set([
  'INSTALLATION_MISMATCH',
  'INSTALLATION_DISABLED',
  'INVALID_TOKEN',
  'QUOTA_EXCEEDED',
]);

const UNLIMITED: AdmissionResult = { kind: 'admitted', request: UNLIMITED_REQUEST };

/** Admits a boat's request under the limits of its route's load class. */
function admit({ admission }: AppContext, load: Load, installationId: string): AdmissionResult {
  switch (load) {
    case 'none':
      return UNLIMITED;
    case 'import':
      return admission.imports.admit(installationId);
    case 'query':
    case 'small-query':
      return admission.queries.admit(installationId);
  }
}

/**
 * Returns a function that checks path and query parameters against their schemas. That function returns the message for the first
 * mismatch, or undefined.
 */
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
