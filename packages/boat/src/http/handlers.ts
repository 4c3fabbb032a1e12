import type { Context } from 'hono';
import {
  toCleanupAnswer,
  toDeliveredDaysAnswer,
  toDoctorAnswer,
  toEnrollAnswer,
  toEntryAnswer,
  toFilesAnswer,
  toGenerateAnswer,
  toHealthAnswer,
  toHistoryAnswer,
  toNotificationsAnswer,
  toPreviewAnswer,
  toQueueAnswer,
  toQueueStatusAnswer,
  toScheduledAnswer,
  toStatusAnswer,
} from '../answers.ts';
import type { Answer, Input, JsonRouteName, RouteName } from '../api/contract.ts';
import { toOpenApi } from '../api/openapi.ts';
import { EXPORT_TYPE_DEFAULT, HISTORY_DEFAULT, PREVIEW_TYPE_DEFAULT } from '../api/requests.ts';
import { SOFTWARE_VERSION } from '../platform/software-version.ts';
import type { Events } from '../events.ts';
import type { ExportManager } from '../export-manager.ts';
import type { World } from '../platform/ports.ts';
import { BRIDGE_SCRIPT } from './bridge.ts';
import type { Measurements } from '../measurements.ts';
import { type MetricFacts, toMetrics } from './metrics.ts';
import { type PageDeps, sendPageFile, sendPageTexts } from './page.ts';
import { createDownloads } from './downloads.ts';
import { sendBundle, sendCsv, sendEvents, sendFile } from './streams.ts';

export interface HandlerDeps {
  readonly manager: ExportManager;
  readonly events: Events;
  readonly measurements: Pick<Measurements, 'read'>;
  readonly world: Pick<World, 'clock' | 'disk' | 'log'>;
  readonly port: number;
  /** The folder with the page's files. */
  readonly pageFolder: string;
  /** Origins whose pages may call the API and frame the page. */
  readonly allowedOrigins: readonly string[];
}

/** A request's input, validated against its route's schemas. */
export interface RouteInput {
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly body: unknown;
}

type JsonHandlers = {
  readonly [N in JsonRouteName]: (input: Input<N>) => Answer<N> | Promise<Answer<N>>;
};
type StreamHandlers = {
  readonly [N in Exclude<RouteName, JsonRouteName>]: (
    input: Input<N>,
    context: Context,
  ) => Response | Promise<Response>;
};

const DAY_MS = 24 * 3_600_000;

/** Creates the handlers for all of the contract's routes, by route name. */
export function createHandlers(
  deps: HandlerDeps,
): Readonly<Record<RouteName, (input: RouteInput, context: Context) => Response | Promise<Response>>> {
  const json = Object.entries(createJsonHandlers(deps)).map(([name, handle]) => [
    name,
    async (input: RouteInput, context: Context) =>
      // The input was validated against the schemas from which the handler's type derives.
      context.json(await (handle as (input: RouteInput) => unknown)(input)),
  ]);
  // The types ensure that both tables are complete. Object.fromEntries does not preserve the names.
  return { ...Object.fromEntries(json), ...createStreamHandlers(deps) } as ReturnType<typeof createHandlers>;
}

function createJsonHandlers({ manager, world, port }: HandlerDeps): JsonHandlers {
  const now = () => world.clock.wall();
  return {
    health: () => toHealthAnswer(SOFTWARE_VERSION, now()),
    status: async () => toStatusAnswer(await manager.status(), port, now()),
    generate: async ({ body: { type = EXPORT_TYPE_DEFAULT, trigger = 'manual' } }) =>
      trigger === 'scheduled'
        ? toScheduledAnswer(await manager.createScheduledExport())
        : toGenerateAnswer(await manager.createExport(type, trigger)),
    preview: async ({ query: { type = PREVIEW_TYPE_DEFAULT } }) =>
      toPreviewAnswer(type, await manager.preview(type)),
    queue: () => toQueueAnswer(manager.queue()),
    queueStatus: () => toQueueStatusAnswer(manager.counts(), manager.nextPending(), now()),
    process: () => ({
      success: true,
      pending_count: manager.process(),
      message: 'Processing pending exports',
    }),
    cleanup: async ({ body: { completed_older_than_days: days } }) =>
      toCleanupAnswer(await manager.cleanup(days === undefined ? undefined : days * DAY_MS)),
    retry: ({ params }) => toEntryAnswer(manager.retry(params.id)),
    cancel: async ({ params }) => toEntryAnswer(await manager.cancel(params.id)),
    history: ({ query: { limit = HISTORY_DEFAULT } }) => toHistoryAnswer(manager.history(limit)),
    historyDays: async () => toDeliveredDaysAnswer(await manager.deliveredDays()),
    notifications: () => toNotificationsAnswer(manager.notifications()),
    files: async () => toFilesAnswer(await manager.files()),
    browser: ({ body }) => ({ success: true, changed: manager.keepBrowserDocuments(body) }),
    settings: () => toSettings(manager),
    changeSettings: ({ body: { usage_telemetry: isGiven, notifications: areOn } }) => {
      if (isGiven !== undefined) manager.setUsageConsent(isGiven ? 'yes' : 'no');
      if (areOn !== undefined) manager.setNotifications(areOn ? 'on' : 'off');
      return toSettings(manager);
    },
    enroll: async ({ body: { code, replace_id: isReplaced = false } }) =>
      toEnrollAnswer(await manager.enroll(code, isReplaced ? 'replace' : 'keep')),
    doctor: async () => toDoctorAnswer(await manager.doctor('examine')),
    repair: async () => toDoctorAnswer(await manager.doctor('repair')),
    openapi: () => toOpenApi(SOFTWARE_VERSION),
  };
}

function toSettings(manager: ExportManager): Answer<'settings'> {
  return {
    success: true,
    usage_telemetry: manager.usageConsent() === 'yes',
    notifications: manager.notifications().isOn,
  };
}

async function readMetricFacts({ manager, measurements }: HandlerDeps): Promise<MetricFacts> {
  return {
    status: await manager.status(),
    measured: measurements.read(),
    version: SOFTWARE_VERSION,
  };
}

function createStreamHandlers(deps: HandlerDeps): StreamHandlers {
  const { manager, events, world } = deps;
  const downloads = createDownloads(world.clock);
  const page: PageDeps = {
    disk: world.disk,
    folder: deps.pageFolder,
    frameOrigins: deps.allowedOrigins,
  };
  return {
    page: (_, context) => sendPageFile(context, page, 'index.html'),
    pageScript: (_, context) => sendPageFile(context, page, 'boat.js'),
    pageStyle: (_, context) => sendPageFile(context, page, 'boat.css'),
    pageTexts: ({ params: { language } }, context) => sendPageTexts(context, page, language),
    file: async ({ params: { name } }, context) =>
      sendFile(context, downloads, world.disk, name, await manager.filePath(name)),
    bundle: async ({ body: { failed = false } }, context) =>
      sendBundle(context, downloads, await manager.bundle(failed ? 'waiting_and_failed' : 'waiting')),
    boatlogCsv: (_, context) => sendCsv(context, downloads, 'boatlog.csv', manager.boatlogCsv()),
    bridge: (_, context) =>
      context.body(BRIDGE_SCRIPT, 200, { 'Content-Type': 'text/javascript; charset=utf-8' }),
    events: (_, context) => sendEvents(context, events, world.clock),
    metrics: async (_, context) =>
      context.body(toMetrics(await readMetricFacts(deps)), 200, {
        'Content-Type': 'text/plain; version=0.0.4; charset=utf-8',
      }),
  };
}
