import { type Context, Hono } from 'hono';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { toHttpStatus } from '../api/http-status.ts';
import { SOFTWARE_VERSION } from '../platform/software-version.ts';
import { toDoctorAnswer } from '../doctor/doctor.ts';
import type { Events } from '../events.ts';
import type { ExportManager, ScheduledResult } from '../export-manager.ts';
import type { ExportType } from '../ledger/entry.ts';
import { toLegacyTime } from '../ledger/policy.ts';
import { toHistoryView, toQueueView } from '../views/views.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { toMetrics, toQueueStatus, toServerSentEvent, toStatusAnswer } from './answers.ts';
import { BRIDGE_SCRIPT } from './bridge.ts';
import { checkRequestOrigin } from './request-origin.ts';
import { BundleSchema, CleanupSchema, GenerateSchema, SettingsSchema, toOpenApi } from './routes.ts';

/** Largest request body: the bodies of this API are a few keys. */
const BODY_SIZE_MAX_BYTES = 16 * 1024;
/** Largest body of what a page hands over: everything a browser keeps for an origin, with room for JSON's escapes. */
const BROWSER_BODY_SIZE_MAX_BYTES = 16 * 1024 * 1024;
/** Delivered exports in one answer unless asked otherwise, and at most. */
const HISTORY_DEFAULT = 100;
const HISTORY_MAX = 10_000;
/** How much of a file is read for one piece of an answer. */
const DOWNLOAD_CHUNK_BYTES = 256 * 1024;

export interface AppDeps {
  readonly manager: ExportManager;
  readonly events: Events;
  readonly world: Pick<World, 'clock' | 'disk' | 'log'>;
  readonly port: number;
  readonly allowedOrigins: readonly string[];
}

const generateBody = Compile(GenerateSchema);
const cleanupBody = Compile(CleanupSchema);
const bundleBody = Compile(BundleSchema);
const settingsBody = Compile(SettingsSchema);

/** The local API (docs/spec/delivery.md, "HTTP API on 127.0.0.1:8094"): translates requests into the manager's verbs and back. */
export function createApp(deps: AppDeps): Hono {
  const { manager, world } = deps;
  const app = new Hono();

  app.use(async (context, next) => {
    const check = checkRequestOrigin(
      context.req.header('host') ?? new URL(context.req.url).host,
      context.req.header('origin'),
      deps.port,
      deps.allowedOrigins,
      context.req.header('sec-fetch-site'),
    );
    if (check.kind === 'refused')
      return toErrorAnswer(
        context,
        new ExportError('REQUEST_FORBIDDEN', check.message, {
          op: 'admit a request',
          hint: 'Open the page from the boat itself, or name its origin in "allowed_origins" of config/export.json.',
        }),
      );
    if (check.corsOrigin !== undefined) {
      context.header('Access-Control-Allow-Origin', check.corsOrigin);
      context.header('Vary', 'Origin');
      if (context.req.method === 'OPTIONS') {
        context.header('Access-Control-Allow-Methods', 'GET, POST, DELETE');
        context.header('Access-Control-Allow-Headers', 'Content-Type');
        return context.body(null, 204);
      }
    }
    context.header('X-Content-Type-Options', 'nosniff');
    context.header('Cache-Control', 'no-store');
    return next();
  });
  app.onError((error, context) => {
    if (isExportError(error)) return toErrorAnswer(context, error);
    world.log.write('warn', `A request failed: ${context.req.method} ${context.req.path}: ${error.message}`);
    return toErrorAnswer(
      context,
      new ExportError('INTERNAL', 'Something went wrong inside the export manager', {
        op: context.req.path,
        hint: 'See its journal: journalctl -u d3kos-export-manager.service.',
      }),
    );
  });
  app.notFound((context) =>
    toErrorAnswer(
      context,
      new ExportError('NOT_FOUND', `There is nothing at ${context.req.method} ${context.req.path}`, {
        op: 'find a route',
        hint: 'GET /openapi.json lists the routes.',
      }),
    ),
  );

  addStatusRoutes(app, deps);
  addExportRoutes(app, deps);
  addQueueRoutes(app, manager);
  addFileRoutes(app, deps);
  addOwnerRoutes(app, manager);
  app.get('/export/events', (context) => streamEvents(context, deps.events));
  app.get('/openapi.json', (context) => context.json(toOpenApi(SOFTWARE_VERSION)));
  return app;
}

function addStatusRoutes(app: Hono, { manager, world, port }: AppDeps): void {
  app.get('/health', (context) =>
    context.json({
      service: 'd3kos-export-manager',
      status: 'ok',
      version: SOFTWARE_VERSION,
      time: toLegacyTime(world.clock.wall()),
    }),
  );
  app.get('/export/status', async (context) =>
    context.json(toStatusAnswer(await manager.status(), port, world.clock.wall())),
  );
  app.get('/export/queue/status', (context) =>
    context.json(toQueueStatus(manager.counts(), manager.nextPending(), world.clock.wall())),
  );
  app.get('/export/doctor', async (context) => context.json(toDoctorAnswer(await manager.doctor('examine'))));
  app.post('/export/doctor/repair', async (context) =>
    context.json(toDoctorAnswer(await manager.doctor('repair'))),
  );
  app.get('/metrics', async (context) => {
    context.header('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
    return context.body(toMetrics(await manager.status()));
  });
}

function addExportRoutes(app: Hono, { manager }: AppDeps): void {
  app.post('/export/generate', async (context) => {
    const { type = 'full', trigger = 'manual' } = await parseBody(context, generateBody);
    if (trigger === 'scheduled')
      return context.json(toScheduledAnswer(await manager.createScheduledExport()));
    return context.json(toCreateAnswer(await manager.createExport(type, trigger)));
  });
  app.get('/export/preview', async (context) => {
    const type = context.req.query('type') ?? 'incremental';
    if (type !== 'full' && type !== 'incremental') throw invalid('"type" is full or incremental');
    const preview = await manager.preview(type satisfies ExportType);
    const categories = Object.fromEntries(
      Object.entries(preview).map(([category, { sizeBytes, ...rest }]) => [
        category,
        { ...rest, size_bytes: sizeBytes },
      ]),
    );
    return context.json({ success: true, type, categories });
  });
  app.get('/export/history', (context) => {
    const text = context.req.query('limit') ?? String(HISTORY_DEFAULT);
    if (!/^[1-9][0-9]{0,4}$/.test(text) || Number(text) > HISTORY_MAX)
      throw invalid(`"limit" is a whole number from 1 to ${HISTORY_MAX}`);
    return context.json({
      success: true,
      version: '1.0',
      exports: manager.history(Number(text)).map(toHistoryView),
    });
  });
}

function addQueueRoutes(app: Hono, manager: ExportManager): void {
  app.get('/export/queue', (context) => {
    const { pending, uploading, completed, failed } = manager.queue();
    return context.json({
      success: true,
      version: '1.0',
      pending: pending.map(toQueueView),
      uploading: uploading.map(toQueueView),
      completed: completed.map(toQueueView),
      failed: failed.map(toQueueView),
    });
  });
  app.post('/export/queue/process', (context) => {
    const waiting = manager.process();
    return context.json({ success: true, pending_count: waiting, message: 'Processing pending exports' });
  });
  app.post('/export/queue/cleanup', async (context) => {
    const { completed_older_than_days: days } = await parseBody(context, cleanupBody);
    const report = await manager.cleanup(days === undefined ? undefined : days * 24 * 3_600_000);
    return context.json({
      success: true,
      completed_removed: report.completedRemoved,
      failed_removed: report.failedRemoved,
      failed_kept: report.failedKept,
      freed_bytes: report.freedBytes,
    });
  });
  app.post('/export/queue/:id/retry', (context) =>
    context.json({ success: true, entry: toQueueView(manager.retry(context.req.param('id'))) }),
  );
  app.delete('/export/queue/:id', async (context) =>
    context.json({ success: true, entry: toQueueView(await manager.cancel(context.req.param('id'))) }),
  );
}

function addFileRoutes(app: Hono, { manager, world }: AppDeps): void {
  app.get('/export/files', async (context) =>
    context.json({
      success: true,
      files: (await manager.files()).map((file) => ({
        name: file.name,
        size_bytes: file.sizeBytes,
        modified: toLegacyTime(file.modifiedMs),
        queue_id: file.queueId ?? null,
        status: file.status ?? null,
      })),
    }),
  );
  app.get('/export/files/:name', async (context) => {
    const name = context.req.param('name');
    const { path, sizeBytes } = await manager.filePath(name);
    context.header('Content-Type', 'application/json');
    context.header('Content-Length', String(sizeBytes));
    context.header('Content-Disposition', `attachment; filename="${name}"`);
    return context.body(
      toStream(async function* () {
        for (let offset = 0; offset < sizeBytes;) {
          const chunk = await world.disk.readRange(path, offset, DOWNLOAD_CHUNK_BYTES);
          if (chunk === undefined || chunk.length === 0)
            throw new Error(`${name} was removed while it was read`);
          offset += chunk.length;
          yield chunk;
        }
      }),
    );
  });
  app.post('/export/bundle', async (context) => {
    const { failed = false } = await parseBody(context, bundleBody);
    const bundle = await manager.bundle(failed ? 'waiting_and_failed' : 'waiting');
    if (bundle === undefined) return context.body(null, 204);
    context.header('Content-Type', 'application/octet-stream');
    context.header('Content-Disposition', `attachment; filename="${bundle.name}"`);
    return context.body(toStream(bundle.pieces));
  });
  app.get('/export/boatlog/csv', (context) => {
    context.header('Content-Type', 'text/csv; charset=utf-8');
    context.header('Content-Disposition', 'attachment; filename="boatlog.csv"');
    return context.body(
      toStream(async function* () {
        for await (const text of manager.boatlogCsv()) yield Buffer.from(text, 'utf8');
      }),
    );
  });
}

function addOwnerRoutes(app: Hono, manager: ExportManager): void {
  app.get('/export/bridge.js', (context) => {
    context.header('Content-Type', 'text/javascript; charset=utf-8');
    return context.body(BRIDGE_SCRIPT);
  });
  app.post('/export/sources/browser', async (context) => {
    if (context.req.header('origin') === undefined)
      throw new ExportError(
        'REQUEST_FORBIDDEN',
        'Only a page of this boat hands over what its browser holds',
        {
          op: 'keep what a page handed over',
          hint: 'Include /export/bridge.js in a page whose origin is in "allowed_origins".',
        },
      );
    const changed = manager.keepBrowserDocuments(await readJson(context, BROWSER_BODY_SIZE_MAX_BYTES));
    return context.json({ success: true, changed });
  });
  app.get('/export/settings', (context) =>
    context.json({ success: true, usage_telemetry: manager.usageConsent() === 'yes' }),
  );
  app.post('/export/settings', async (context) => {
    const { usage_telemetry: isGiven } = await parseBody(context, settingsBody);
    manager.setUsageConsent(isGiven ? 'yes' : 'no');
    return context.json({ success: true, usage_telemetry: isGiven });
  });
}

/** A body made piece by piece, only as fast as it is read. */
function toStream(pieces: () => AsyncGenerator<Uint8Array, void, void>): ReadableStream<Uint8Array> {
  const generator = pieces();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await generator.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await generator.return();
    },
  });
}

function streamEvents(context: Context, events: Events): Response {
  let unsubscribe: (() => void) | undefined;
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(': watching\n\n'));
      unsubscribe = events.subscribe((event) => {
        // A page that stopped reading is dropped; it connects again by itself.
        if ((controller.desiredSize ?? 0) < -1_000) {
          unsubscribe?.();
          controller.close();
        } else controller.enqueue(encoder.encode(toServerSentEvent(event)));
      });
      if (unsubscribe === undefined) controller.close();
    },
    cancel() {
      unsubscribe?.();
    },
  });
  context.header('Content-Type', 'text/event-stream');
  return context.body(stream);
}

async function parseBody<T extends TSchema>(
  context: Context,
  validator: {
    readonly Check: (value: unknown) => boolean;
    readonly Errors: (
      value: unknown,
    ) => readonly { readonly instancePath: string; readonly message: string }[];
  } & {
    readonly Type: () => T;
  },
): Promise<Static<T>> {
  const value = await readJson(context, BODY_SIZE_MAX_BYTES);
  if (!validator.Check(value)) {
    const [error] = validator.Errors(value);
    throw invalid(`The body is not as expected: ${error?.instancePath ?? ''} ${error?.message ?? ''}`.trim());
  }
  // Checked by the compiled schema just above.
  return value as Static<T>;
}

/** The request's JSON, `{}` for no body. Throws REQUEST_INVALID, before reading more than `sizeMaxBytes`. */
async function readJson(context: Context, sizeMaxBytes: number): Promise<unknown> {
  const tooLarge = `The body is larger than ${sizeMaxBytes} bytes`;
  if (Number(context.req.header('content-length') ?? '0') > sizeMaxBytes) throw invalid(tooLarge);
  let text = '';
  let sizeBytes = 0;
  const decoder = new TextDecoder();
  for await (const chunk of context.req.raw.body ?? []) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > sizeMaxBytes) throw invalid(tooLarge);
    text += decoder.decode(chunk, { stream: true });
  }
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw invalid('The body is not JSON');
  }
}

function invalid(message: string): ExportError {
  return new ExportError('REQUEST_INVALID', message, {
    op: 'read a request',
    hint: 'GET /openapi.json describes the routes.',
  });
}

function toErrorAnswer(context: Context, error: ExportError): Response {
  return context.json(
    { success: false, error: error.message, code: error.code, hint: error.hint },
    toHttpStatus(error.code),
  );
}

type CreateAnswer = Readonly<Record<string, unknown>>;

function toCreateAnswer(result: Awaited<ReturnType<ExportManager['createExport']>>): CreateAnswer {
  if (result.kind === 'nothing_new')
    return { success: true, queued: false, message: 'Nothing new since the last export; nothing was queued' };
  const { entry } = result;
  return {
    success: true,
    queued: true,
    export_file: entry.exportFile.slice(entry.exportFile.lastIndexOf('/') + 1),
    queue_id: entry.queueId,
    export_id: entry.exportId,
    export_type: entry.exportType,
    record_count: entry.recordCount,
    file_size_bytes: entry.fileSizeBytes,
    tier: entry.tier,
    message: 'Export generated and added to queue',
  };
}

function toScheduledAnswer(result: ScheduledResult): CreateAnswer {
  switch (result.kind) {
    case 'skipped':
      return { success: true, queued: false, skipped: true, message: result.reason };
    case 'already_claimed':
      return {
        success: true,
        queued: false,
        skipped: true,
        slot: result.slotId ?? null,
        message: 'The daily export of this slot was already made',
      };
    case 'queued':
    case 'nothing_new':
      return { ...toCreateAnswer(result), slot: result.slotId };
    default:
      return result satisfies never;
  }
}
