import {
  HEALTH_PATH,
  type Health,
  IMPORT_PATH,
  isInstallationId,
  parseIdempotencyKey,
  toIdempotencyKey,
} from '@d3kos/protocol';
import { Hono } from 'hono';
import { listInstallations, loadConfiguration, loadExportStatus, sumFleet } from '../fleet/fleet.ts';
import { loadHeldParts } from '../import/held-parts.ts';
import { type Authentication, authenticate } from '../installations/authenticate.ts';
import { parseBearer } from '../installations/policy.ts';
import { isCentralFailure } from '../platform/errors.ts';
import type { Store } from '../platform/ports.ts';
import { type Admission, createAdmission } from './admission.ts';
import { COMMON_HEADERS, refuse, toJsonAnswer } from './answers.ts';
import { type AppContext, type AppDeps, DEFAULT_LIMITS, QUESTIONS_MAX } from './context.ts';
import { FLEET_PAGE_POLICY, renderFleetPage } from './fleet-page.ts';
import { handleImport } from './import-route.ts';
import { createCounters, toExposition } from './metrics.ts';
import { toOpenApi } from './openapi.ts';
import { judgeOperator } from './operator.ts';

/** Central's HTTP face: one request in, one answer out, no timer of its own. */
export interface App {
  fetch(request: Request): Promise<Response>;
}

/** Builds central's HTTP face. Nodes keep nothing but counters: several on one database are correct. */
export function createApp(deps: AppDeps): App {
  const limits = { ...DEFAULT_LIMITS, ...deps.limits };
  const context: AppContext = {
    ...deps,
    limits,
    admission: createAdmission(limits),
    questions: createAdmission({ ...limits, importsMax: QUESTIONS_MAX }),
    counters: createCounters(),
  };
  const routes = createRoutes(context);
  return {
    async fetch(request) {
      const answer = await routes.fetch(request);
      for (const [name, value] of Object.entries(COMMON_HEADERS)) answer.headers.set(name, value);
      // A boat reads here how wrong its own clock is.
      answer.headers.set('Date', new Date(deps.wall()).toUTCString());
      return answer;
    },
  };
}

function createRoutes(context: AppContext): Hono {
  const routes = new Hono();
  routes.post(IMPORT_PATH, async ({ req }) =>
    handleImport(
      context,
      req.raw,
      await authenticate(context.store, parseBearer(req.header('Authorization'))),
    ),
  );
  routes.get(`${IMPORT_PATH}/:export_id`, ({ req }) =>
    answerHeldParts(context, req.raw, req.param('export_id'), req.query('after')),
  );
  routes.get('/api/v1/data/export/status', ({ req }) =>
    answerOwn(context, req.raw, req.query('installation_id'), async (id) =>
      toFoundAnswer(await loadExportStatus(context.store, id)),
    ),
  );
  routes.get('/api/v1/installations/:id/configuration', ({ req }) =>
    answerOwn(context, req.raw, req.param('id'), async (id) =>
      toFoundAnswer(await loadConfiguration(context.store, id)),
    ),
  );
  routes.get(HEALTH_PATH, () => {
    const health: Health = {
      service: 'd3kos-central',
      status: 'ok',
      time: new Date(context.wall()).toISOString(),
    };
    return toJsonAnswer(health);
  });
  routes.get('/metrics', async () => {
    const text = toExposition(context.counters, context.admission.underWay(), await sumFleet(context.store));
    return new Response(text, { headers: { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' } });
  });
  routes.get('/openapi.json', () => toJsonAnswer(toOpenApi()));
  routes.get('/', ({ req }) => answerFleetPage(context, req.raw));
  refuseTheRest(routes, context);
  return routes;
}

/** Every known path refuses other methods with 405, every other path with 404, and what went wrong is told apart. */
function refuseTheRest(routes: Hono, { log }: AppContext): void {
  for (const path of new Set(routes.routes.map((route) => route.path))) {
    const allowed = routes.routes.filter((route) => route.path === path).map((route) => route.method);
    routes.all(path, () =>
      refuse('METHOD_NOT_ALLOWED', `only ${allowed.join(', ')} here`, {
        headers: { Allow: allowed.join(', ') },
      }),
    );
  }
  routes.notFound(() => refuse('NOT_FOUND', 'there is nothing here; see /openapi.json'));
  routes.onError((error, { req }) => {
    if (isCentralFailure(error, 'STORE_UNAVAILABLE')) {
      log.write('warn', error.message, { path: req.path });
      return refuse('UNAVAILABLE', 'the database does not answer');
    }
    log.write('error', 'a request failed', { path: req.path, error: error.stack ?? error.message });
    return refuse('INTERNAL', 'this is our mistake; the log of this node says more');
  });
}

/** What is held of one export, to the boat whose export it is: with another boat's token nothing is. */
async function answerHeldParts(
  { store, questions }: AppContext,
  request: Request,
  exportId: string,
  after = '0',
): Promise<Response> {
  const who = await authenticateReader(store, request);
  switch (who.kind) {
    case 'invalid':
      return refuse('INVALID_TOKEN', 'needs the token of the installation whose export it is');
    case 'disabled':
      return refuse('INSTALLATION_DISABLED', 'this installation is disabled by the operator');
    case 'accepted':
      break;
  }
  if (parseIdempotencyKey(toIdempotencyKey(exportId, 1)) === undefined || !/^[0-9]{1,7}$/.test(after))
    return refuse('INVALID_FORMAT', 'not an export id, or "after" is not a part index');
  return answerQuestion(questions, who.installationId, 'at once', async () =>
    toJsonAnswer(await loadHeldParts(store, who.installationId, exportId, Number(after))),
  );
}

/** Answers a boat's question, a few of one boat at a time; one that reads all a boat has `in turn` with those of others. */
async function answerQuestion(
  questions: Admission,
  installationId: string,
  when: 'at once' | 'in turn',
  answer: () => Promise<Response>,
): Promise<Response> {
  const admitted = questions.enter(installationId);
  switch (admitted.kind) {
    case 'busy_installation':
      return refuse('TOO_MANY_REQUESTS', 'other questions of this installation are still under way');
    case 'busy_node':
      return refuse('UNAVAILABLE', 'this node has as many questions to answer as it takes');
    case 'admit':
      break;
  }
  try {
    if (when === 'in turn' && !(await admitted.ticket.turn()))
      return refuse('UNAVAILABLE', 'this node has as many questions to answer as it takes');
    return await answer();
  } finally {
    admitted.ticket.leave();
  }
}

/** An id that stands in for a token lets an older boat write; it is no secret, and must not let everybody who saw it read. */
function authenticateReader(store: Store, request: Request): Promise<Authentication> {
  const bearer = parseBearer(request.headers.get('Authorization') ?? undefined);
  return authenticate(store, isInstallationId(bearer) ? undefined : bearer);
}

/** Answers about one installation to that boat's own token or to the operator. One boat never learns of another, not even that it exists. */
async function answerOwn(
  { store, questions, operatorToken }: AppContext,
  request: Request,
  installationId: string | undefined,
  answer: (installationId: string) => Promise<Response>,
): Promise<Response> {
  const authorization = request.headers.get('Authorization');
  if (!isInstallationId(installationId))
    return refuse('INVALID_FORMAT', 'installation_id must be 16 lowercase hex digits');
  if (judgeOperator(authorization, operatorToken) === 'operator') return answer(installationId);
  const who = await authenticateReader(store, request);
  switch (who.kind) {
    case 'invalid':
      return refuse('INVALID_TOKEN', 'needs the token of this installation or of the operator');
    case 'disabled':
      return refuse('INSTALLATION_DISABLED', 'this installation is disabled by the operator');
    case 'accepted':
      return who.installationId === installationId
        ? answerQuestion(questions, installationId, 'in turn', () => answer(installationId))
        : refuse('INSTALLATION_MISMATCH', 'the token is of another installation');
  }
}

function toFoundAnswer(found: unknown): Response {
  return found === undefined ? refuse('NOT_FOUND', 'nobody enrolled this installation') : toJsonAnswer(found);
}

async function answerFleetPage(
  { store, wall, operatorToken }: AppContext,
  request: Request,
): Promise<Response> {
  switch (judgeOperator(request.headers.get('Authorization'), operatorToken)) {
    case 'unset':
      return toJsonAnswer(
        {
          status: 'error',
          error_code: 'FLEET_CLOSED',
          message:
            'the fleet page is closed: set CENTRAL_OPERATOR_TOKEN (16 characters or more) and restart central',
        },
        403,
      );
    case 'stranger':
      return refuse('INVALID_TOKEN', 'needs the operator token', {
        headers: { 'WWW-Authenticate': 'Basic realm="d3kos-central", charset="UTF-8"' },
      });
    case 'operator': {
      const page = await renderFleetPage(await listInstallations(store), new Date(wall()).toISOString());
      return new Response(page, {
        headers: {
          'Content-Type': 'text/html; charset=utf-8',
          'Content-Security-Policy': FLEET_PAGE_POLICY,
          'Referrer-Policy': 'no-referrer',
        },
      });
    }
  }
}
