import { createHash } from 'node:crypto';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { etag } from 'hono/etag';
import type { Validator } from 'typebox/compile';
import { Compile } from 'typebox/compile';
import { listRoutes, type RouteName, ROUTES, toBodySizeMax } from '../api/contract.ts';
import { toHttpStatus } from '../api/http-status.ts';
import type { Route } from '../api/route.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import { createHandlers, type HandlerDeps, type RouteInput } from './handlers.ts';
import { checkRequestOrigin } from './request-origin.ts';
import { invalidRequest, parseQuery, readJson } from './request-input.ts';

/** Creates the local API with all routes of the contract, including their checks and handlers. */
export function createApp(deps: HandlerDeps): Hono {
  const app = new Hono();
  app.use(refuseOtherSites(deps));
  app.use(
    cors({
      origin: (origin) => (deps.allowedOrigins.includes(origin) ? origin : null),
      allowMethods: ['GET', 'POST', 'DELETE'],
      allowHeaders: ['Content-Type'],
    }),
  );
  app.onError((error, context) => {
    if (isExportError(error)) return toErrorAnswer(context, error);
    deps.world.log.write(
      'warn',
      `A request failed: ${context.req.method} ${context.req.path}: ${error.message}`,
    );
    return toErrorAnswer(
      context,
      new ExportError('INTERNAL', 'The request failed with an internal error', {
        op: context.req.path,
        hint: 'See the journal: journalctl -u d3kos-export-manager.service.',
      }),
    );
  });
  app.notFound((context) =>
    toErrorAnswer(
      context,
      new ExportError('NOT_FOUND', `There is no route ${context.req.method} ${context.req.path}`, {
        op: 'find a route',
        hint: 'GET /openapi.json lists the routes.',
      }),
    ),
  );
  const handlers = createHandlers(deps);
  for (const route of listRoutes()) addRoute(app, route, handlers[route.name]);
  return app;
}

/** Refuses pages and hosts that do not belong to the boat, and sets the headers common to all answers. */
function refuseOtherSites({ port, allowedOrigins }: HandlerDeps): MiddlewareHandler {
  return async (context, next) => {
    const target = new URL(context.req.url).host;
    const check = checkRequestOrigin(
      // The request line may also name a host (RFC 9112, 3.2.2). Both must be the boat's own.
      [context.req.header('host') ?? target, target],
      context.req.header('origin'),
      port,
      allowedOrigins,
      context.req.header('sec-fetch-site'),
      context.req.path === ROUTES.bridge.path ? 'same_site' : 'none',
    );
    if (check.kind === 'refused')
      throw new ExportError('REQUEST_FORBIDDEN', check.message, {
        op: 'check the origin of a request',
        hint: 'Open the page from the boat itself, or add its origin to "allowed_origins" in config/export.json.',
      });
    context.header('X-Content-Type-Options', 'nosniff');
    context.header('Cache-Control', 'no-store');
    return next();
  };
}

/** A handler whose input has been checked against the route's schemas. */
type AnyHandler = (input: RouteInput, context: Context) => Response | Promise<Response>;

function addRoute(app: Hono, route: Route & { readonly name: RouteName }, handler: AnyHandler): void {
  const path = route.path.replaceAll(/\{([a-z]+)\}/g, ':$1');
  const checks: MiddlewareHandler[] = [];
  if (route.callers === 'pages') checks.push(requirePage);
  if (route.caching === 'revalidate') checks.push(revalidate, etag({ generateDigest: digest }));
  let body: Validator | undefined;
  if (route.body !== undefined) {
    const sizeMaxBytes = toBodySizeMax(route);
    body = Compile(route.body);
    checks.push(
      bodyLimit({
        maxSize: sizeMaxBytes,
        onError: () => {
          throw invalidRequest(`The body is larger than ${sizeMaxBytes} bytes`);
        },
      }),
    );
  }
  const query = route.query === undefined ? undefined : Compile(route.query);
  app.on(route.method, [path], ...checks, async (context) => {
    const input = {
      params: context.req.param(),
      query: query === undefined ? {} : parseQuery(query, route.query?.properties ?? {}, context.req.query()),
      body: body === undefined ? {} : await readJson(context.req.raw, body),
    };
    const answer = await handler(input, context);
    // Hono answers HEAD like GET and drops the body. An event stream that nobody reads would never end.
    if (context.req.method === 'HEAD') await answer.body?.cancel();
    return answer;
  });
}

const requirePage: MiddlewareHandler = async (context, next) => {
  if (context.req.header('origin') === undefined)
    throw new ExportError('REQUEST_FORBIDDEN', 'Only a page of this boat may send browser data', {
      op: 'store browser data',
      hint: 'Include /export/bridge.js in a page whose origin is in "allowed_origins".',
    });
  return next();
};

/** Allows clients to cache the answer if they revalidate it before each use. */
const revalidate: MiddlewareHandler = async (context, next) => {
  context.header('Cache-Control', 'no-cache');
  return next();
};

/**
 * Returns an answer's SHA-256. Unlike with Web Crypto, the computation is synchronous, so that a simulated request does not wait
 * for a thread.
 */
function digest(bytes: Uint8Array): ArrayBuffer {
  // The bytes are copied because the middleware's type requires an ArrayBuffer that is not shared.
  return new Uint8Array(createHash('sha256').update(bytes).digest()).buffer;
}

function toErrorAnswer(context: Context, { message, code, hint }: ExportError): Response {
  return context.json({ success: false, error: message, code, hint }, toHttpStatus(code));
}
