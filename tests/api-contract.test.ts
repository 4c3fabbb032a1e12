import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { ENROL_PATH } from '@d3kos/protocol';
import { type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { ErrorSchema, listRoutes, type Route, type RouteName, ROUTES, toRequestPath } from '@d3kos/boat/api';
import { toHttpStatus } from '../packages/boat/src/api/http-status.ts';
import { EXPORT_ERROR_CODES } from '../packages/boat/src/platform/errors.ts';
import {
  INSTALLATION,
  inTemporaryFolder,
  prepareBoat,
  type RunningBoat,
  startBoatInProcess,
} from './support/boat-in-process.ts';
import { accepting, json, type Script, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

const KIOSK = { origin: 'http://localhost:3000' };

/** A request to a route. By default, `id` and `name` refer to the delivered export. */
interface Attempt {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Requests that succeed, and refusals by code. The type ensures that every route is in the table. */
const ATTEMPTS: Readonly<
  Record<
    RouteName,
    { readonly succeeds: readonly Attempt[]; readonly refused?: Readonly<Record<string, Attempt>> }
  >
> = {
  page: { succeeds: [{}] },
  pageScript: { succeeds: [{}] },
  pageStyle: { succeeds: [{}] },
  pageTexts: {
    succeeds: [{ params: { language: 'fr' } }],
    refused: { NOT_FOUND: { params: { language: 'xx' } } },
  },
  health: { succeeds: [{}] },
  status: { succeeds: [{}] },
  generate: {
    succeeds: [{}, { body: { type: 'incremental' } }, { body: { trigger: 'scheduled' } }],
    refused: { REQUEST_INVALID: { body: { type: 'some' } } },
  },
  preview: {
    succeeds: [{}, { query: { type: 'full' } }],
    refused: { REQUEST_INVALID: { query: { type: 'some' } } },
  },
  queue: { succeeds: [{}] },
  queueStatus: { succeeds: [{}] },
  process: { succeeds: [{}] },
  cleanup: {
    succeeds: [{}],
    refused: { REQUEST_INVALID: { body: { completed_older_than_days: -1 } } },
  },
  cancel: {
    succeeds: [{ params: { id: 'PENDING' } }],
    refused: { ENTRY_NOT_FOUND: { params: { id: 'q_none' } }, ENTRY_STATE: {} },
  },
  retry: {
    succeeds: [{ params: { id: 'FAILED' } }],
    refused: { ENTRY_NOT_FOUND: { params: { id: 'q_none' } }, ENTRY_STATE: {} },
  },
  history: {
    succeeds: [{}, { query: { limit: '1' } }],
    refused: { REQUEST_INVALID: { query: { limit: '0' } } },
  },
  historyDays: { succeeds: [{}] },
  notifications: { succeeds: [{}] },
  files: { succeeds: [{}] },
  file: { succeeds: [{}], refused: { NOT_FOUND: { params: { name: 'export_queue.json' } } } },
  bundle: {
    succeeds: [{ body: { failed: true } }],
    refused: { REQUEST_INVALID: { body: { path: '/media' } } },
  },
  boatlogCsv: { succeeds: [{}] },
  browser: {
    succeeds: [{ headers: KIOSK, body: { 'd3kos-trips': '[]' } }],
    refused: {
      REQUEST_FORBIDDEN: { body: { 'd3kos-trips': '[]' } },
      REQUEST_INVALID: { headers: KIOSK, body: { secrets: 'x' } },
    },
  },
  bridge: { succeeds: [{}] },
  settings: { succeeds: [{}] },
  changeSettings: {
    succeeds: [{ body: { usage_telemetry: false } }],
    refused: { REQUEST_INVALID: {} },
  },
  enroll: {
    succeeds: [{ body: { code: '7kq2m-4xb9c' } }, { body: { code: '0THERB0AT0', replace_id: true } }],
    refused: {
      REQUEST_INVALID: { body: { code: 'too short' } },
      CENTRAL_REFUSED: { body: { code: 'VSEDC0DE00' } },
      INSTALLATION_MISMATCH: { body: { code: 'M1SMATCH00' } },
    },
  },
  doctor: { succeeds: [{}] },
  repair: { succeeds: [{}] },
  events: { succeeds: [{}] },
  metrics: { succeeds: [{}] },
  openapi: { succeeds: [{}] },
};

/** Answers enrolment requests and closes every other connection. */
const enrollingOnly: Script = (request, response) => {
  if (request.path !== ENROL_PATH) {
    response.destroy();
    return;
  }
  const { code } = JSON.parse(request.body.toString('utf8')) as { readonly code: string };
  const enrolment = { status: 'success', token_id: '3f1c09ab77de', expires_at: null };
  const refusal = code.startsWith('V')
    ? 'INVALID_CODE'
    : code.startsWith('M')
      ? 'INSTALLATION_MISMATCH'
      : undefined;
  if (refusal !== undefined)
    json(response, 403, { status: 'error', error_code: refusal, message: 'refused' });
  else
    json(response, 200, {
      ...enrolment,
      installation_id: code.startsWith('0THER') ? 'f'.repeat(16) : INSTALLATION,
    });
};

let running: RunningBoat;
let finish: () => void = () => undefined;
let folder: Promise<void>;
let delivered = { id: '', name: '' };

before(async () => {
  const { promise: done, resolve } = Promise.withResolvers<void>();
  finish = resolve;
  const ready = Promise.withResolvers<void>();
  folder = inTemporaryFolder('contract', async (root) => {
    prepareBoat({ root, rows: 30 });
    const central = await startScriptedServer(accepting);
    const first = await startBoatInProcess({ root, centralUrl: central.url });
    const { json: made } = await first.request('POST', '/export/generate');
    delivered = { id: String(made['queue_id']), name: String(made['export_file']) };
    await until('the delivery', () => first.boat.ledger.queue.counts().completed === 1);
    await first.stop();
    await central.close();
    // Nothing is delivered after this, so entries stay pending. Only enrolling gets an answer.
    const enrolling = await startScriptedServer(enrollingOnly);
    running = await startBoatInProcess({ root, centralUrl: enrolling.url });
    ready.resolve();
    await done;
    await running.stop();
    await enrolling.close();
  });
  await Promise.race([ready.promise, folder]);
});
after(async () => {
  finish();
  await folder;
});

const send = async (route: Route, attempt: Attempt): Promise<Response> => {
  const lists = running.boat.manager.queue();
  const named = { PENDING: lists.pending[0]?.queueId, FAILED: lists.failed[0]?.queueId };
  const params = Object.entries({ ...delivered, ...attempt.params }).map(([key, value]) => [
    key,
    named[value as keyof typeof named] ?? value,
  ]);
  const path = toRequestPath(route, Object.fromEntries(params), attempt.query);
  return running.boat.app.fetch(
    new Request(`http://localhost:8094${path}`, {
      method: route.method,
      ...(attempt.headers === undefined ? {} : { headers: attempt.headers }),
      ...(attempt.body === undefined ? {} : { body: JSON.stringify(attempt.body) }),
    }),
  );
};

/** Returns the schema with every object closed, so that an answer with a key outside the contract fails. */
function toClosed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(toClosed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, toClosed(value)]));
  return inner['type'] === 'object' && 'properties' in inner
    ? { ...inner, additionalProperties: false }
    : inner;
}

function assertMatches(schema: TSchema, value: unknown, what: string): void {
  const validator = Compile(Type.Unsafe(toClosed(JSON.parse(JSON.stringify(schema))) as TSchema));
  assert.ok(
    validator.Check(value),
    `${what}: ${JSON.stringify(validator.Errors(value)[0])} in ${JSON.stringify(value)?.slice(0, 300)}`,
  );
}

/** Reads up to the first event, which `make` triggers. */
async function readFirstEvent(response: Response, make: () => Promise<unknown>): Promise<unknown> {
  const reader = response.body?.getReader();
  assert.ok(reader !== undefined);
  await make();
  let text = '';
  while (!text.includes('\ndata: ')) text += new TextDecoder().decode((await reader.read()).value);
  await reader.cancel();
  return JSON.parse(/\ndata: (.*)\n/.exec(text)?.[1] ?? '');
}

test('the application serves exactly the routes of the contract', () => {
  const served = new Set(
    running.boat.app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`),
  );
  assert.deepEqual(
    [...served].sort(),
    listRoutes()
      .map(({ method, path }) => `${method} ${path.replaceAll(/\{([a-z]+)\}/g, ':$1')}`)
      .sort(),
  );
  for (const { name, answer } of listRoutes())
    assert.ok(Object.keys(answer.schema).length > 0, `${name} has an answer schema`);
});

describe("every route's answer matches its schema", () => {
  for (const [name, { succeeds, refused = {} }] of Object.entries(ATTEMPTS)) {
    const route: Route = ROUTES[name as RouteName];
    for (const attempt of succeeds)
      test(`${route.method} ${route.path} ${JSON.stringify(attempt)}`, async () => {
        const response = await send(route, attempt);
        assert.equal(response.status, 200);
        const { mediaType, schema } = route.answer;
        if (route.caching === undefined && name !== 'events')
          assert.equal(response.headers.get('cache-control'), 'no-store');
        assert.equal(response.headers.get('content-type')?.split(';')[0], mediaType);
        if (mediaType === 'text/event-stream')
          return assertMatches(
            schema,
            await readFirstEvent(response, () => send(ROUTES.generate, {})),
            'the event',
          );
        const text = await response.text();
        assert.ok(text.length > 10);
        assertMatches(
          schema,
          schema === ROUTES.file.answer.schema || mediaType !== 'application/json' ? text : JSON.parse(text),
          name,
        );
      });
    for (const [code, attempt] of Object.entries(refused))
      test(`${route.method} ${route.path} ${JSON.stringify(attempt)}: ${code}`, async () => {
        const response = await send(route, attempt);
        const answer = (await response.json()) as { readonly code: string };
        assertMatches(ErrorSchema, answer, name);
        assert.equal(answer.code, code);
        assert.equal(
          response.status,
          toHttpStatus(EXPORT_ERROR_CODES.find((known) => known === code) ?? 'INTERNAL'),
        );
      });
    test(`${route.method} ${route.path} refuses another site`, async () => {
      const response = await send(route, { headers: { host: 'evil.example' } });
      assert.equal(response.status, 403);
      assertMatches(ErrorSchema, await response.json(), name);
    });
    if (route.body !== undefined)
      test(`${route.method} ${route.path} refuses a body that is too large`, async () => {
        const body = { x: 'x'.repeat((route.bodySizeMaxBytes ?? 16_384) + 1) };
        const response = await send(route, { body, headers: KIOSK });
        assert.equal(response.status, 400);
        assertMatches(ErrorSchema, await response.json(), name);
      });
    if (route.caching === 'revalidate')
      test(`${route.method} ${route.path} answers 304 to a client whose copy is current`, async () => {
        const first = await send(route, succeeds[0] ?? {});
        const tag = first.headers.get('etag') ?? '';
        assert.match(tag, /^"[0-9a-f]{64}"$/);
        assert.equal(first.headers.get('cache-control'), 'no-cache');
        assert.equal((await send(route, { ...succeeds[0], headers: { 'if-none-match': tag } })).status, 304);
        assert.equal(
          (await send(route, { ...succeeds[0], headers: { 'if-none-match': '"other"' } })).status,
          200,
        );
      });
  }
});

test('a request to bundle an empty queue gets 204', async () => {
  for (const { queueId } of running.boat.manager.queue().pending) await running.boat.manager.cancel(queueId);
  const response = await send(ROUTES.bundle, {});
  assert.equal(response.status, 204);
});

test('the data budget is returned under its own key and under the deprecated one', async () => {
  const status = (await (await send(ROUTES.status, {})).json()) as Record<string, unknown>;
  assert.deepEqual(status['thrift'], status['data_budget']);
  assert.ok('deprecated' in ROUTES.status.answer.schema.properties.thrift);
});
