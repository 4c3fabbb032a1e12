import { Type } from 'typebox';
import {
  BrowserRequestSchema,
  BundleRequestSchema,
  CleanupRequestSchema,
  EnrollRequestSchema,
  GenerateRequestSchema,
  HISTORY_DEFAULT,
  HISTORY_MAX,
  HistoryQuerySchema,
  PreviewQuerySchema,
  SettingsRequestSchema,
} from './requests.ts';
import { EventSchema } from './event-schema.ts';
import { NotificationsSchema } from './notification-schema.ts';
import type { AnswerOf, InputOf, MediaType, Route } from './route.ts';
import {
  BrowserSchema,
  CleanupSchema,
  DeliveredDaysSchema,
  DoctorSchema,
  EnrollSchema,
  EntrySchema,
  FilesSchema,
  GenerateSchema,
  HealthSchema,
  HistorySchema,
  OpenApiSchema,
  PageTextsSchema,
  PreviewSchema,
  ProcessSchema,
  QueueSchema,
  QueueStatusSchema,
  SettingsSchema,
  StatusSchema,
} from './schemas.ts';

/** Maximum request body size for routes without their own limit. Most bodies have only a few keys. */
const BODY_SIZE_MAX_BYTES = 16 * 1024;
/** Maximum size of a browser data body: enough for everything a browser stores for one origin, including JSON escapes. */
const BROWSER_BODY_SIZE_MAX_BYTES = 16 * 1024 * 1024;

const json = <S>(schema: S) => ({ mediaType: 'application/json', schema }) as const;
/** A file's bytes. OpenAPI describes only their media type. */
const file = <M extends MediaType>(mediaType: M) =>
  ({ mediaType, schema: Type.String({ contentMediaType: mediaType }) }) as const;

/**
 * The export manager's local API (docs/spec/delivery.md, "HTTP API on 127.0.0.1:8094"): every route, declared once. The HTTP
 * handlers, the CLI client, OpenAPI, the reference page and the pages' types all derive from it.
 */
export const ROUTES = {
  page: {
    method: 'GET',
    path: '/',
    summary: 'Returns the Data Management page for the owner',
    description:
      'Its Content-Security-Policy allows only files and data from this server. Only pages of `allowed_origins` may frame it.',
    callers: 'boat',
    answer: file('text/html'),
    caching: 'revalidate',
  },
  pageScript: {
    method: 'GET',
    path: '/page/boat.js',
    summary: "Returns the page's script",
    callers: 'boat',
    answer: file('text/javascript'),
    caching: 'revalidate',
  },
  pageStyle: {
    method: 'GET',
    path: '/page/boat.css',
    summary: "Returns the page's style sheet",
    callers: 'boat',
    answer: file('text/css'),
    caching: 'revalidate',
  },
  pageTexts: {
    method: 'GET',
    path: '/page/texts/{language}',
    summary: "Returns the page's texts in one language",
    description:
      'The language is a two-letter code such as `fr`. The English texts are built into the script, so there is no `/page/texts/en`.',
    callers: 'boat',
    answer: json(PageTextsSchema),
    caching: 'revalidate',
  },
  health: {
    method: 'GET',
    path: '/health',
    summary: 'Identifies the service and its version',
    callers: 'boat',
    answer: json(HealthSchema),
  },
  status: {
    method: 'GET',
    path: '/export/status',
    summary: 'Reports tier, queue, destination, data budget, schedule, storage and categories',
    description: 'An unknown value is `null`.',
    callers: 'boat',
    answer: json(StatusSchema),
  },
  generate: {
    method: 'POST',
    path: '/export/generate',
    summary: 'Creates an export and queues it',
    description:
      'Answers once the export is durable. Without a body, the export is full. `{"type":"incremental"}` exports only new and changed records; if there are none, `queued` is `false`. `unread_categories` lists categories that could not be read. If no other category has anything new, the request fails with `SOURCE_UNREADABLE`.',
    callers: 'boat',
    body: GenerateRequestSchema,
    answer: json(GenerateSchema),
  },
  preview: {
    method: 'GET',
    path: '/export/preview',
    summary:
      'Shows what an export would contain now: state, count, size and up to three records for each category',
    description:
      '`redacted` lists the fields from which credentials, addresses or local paths were removed, with the number of affected records. `detail` lists the keys that are not exported and the content that could not be interpreted. Nothing is queued. `type` is `incremental` by default.',
    callers: 'boat',
    query: PreviewQuerySchema,
    answer: json(PreviewSchema),
  },
  queue: {
    method: 'GET',
    path: '/export/queue',
    summary:
      'Lists all queue entries in the format of `export_queue.json`, plus their record count, type and trigger',
    callers: 'boat',
    answer: json(QueueSchema),
  },
  queueStatus: {
    method: 'GET',
    path: '/export/queue/status',
    summary: 'Counts the queue entries by status and shows the next pending one',
    callers: 'boat',
    answer: json(QueueStatusSchema),
  },
  process: {
    method: 'POST',
    path: '/export/queue/process',
    summary: 'Sends waiting exports now',
    description:
      'Skips all retry delays. The waiting exports are exempt from the metered limit and the data budget.',
    callers: 'boat',
    answer: json(ProcessSchema),
  },
  cleanup: {
    method: 'POST',
    path: '/export/queue/cleanup',
    summary: 'Removes the files of delivered exports older than 30 days',
    description:
      'Also removes failed exports older than 7 days if their records are proven to have been delivered. `{"completed_older_than_days":N}` overrides the 30 days.',
    callers: 'boat',
    body: CleanupRequestSchema,
    answer: json(CleanupSchema),
  },
  retry: {
    method: 'POST',
    path: '/export/queue/{id}/retry',
    summary: 'Returns a failed entry to the queue and resets its attempts',
    callers: 'boat',
    answer: json(EntrySchema),
  },
  cancel: {
    method: 'DELETE',
    path: '/export/queue/{id}',
    summary: 'Cancels a pending entry',
    description:
      'The entry becomes `failed`. Its file is kept, and the next export contains its records again.',
    callers: 'boat',
    answer: json(EntrySchema),
  },
  history: {
    method: 'GET',
    path: '/export/history',
    summary: 'Lists delivered exports, newest first, with the record counts that central reported',
    description: `\`limit\` is ${HISTORY_DEFAULT} by default and at most ${HISTORY_MAX}.`,
    callers: 'boat',
    query: HistoryQuerySchema,
    answer: json(HistorySchema),
    caching: 'revalidate',
  },
  historyDays: {
    method: 'GET',
    path: '/export/history/days',
    summary:
      'Reports daily totals for the last 30 days in local time: exports delivered, records and bytes sent',
    callers: 'boat',
    answer: json(DeliveredDaysSchema),
    caching: 'revalidate',
  },
  files: {
    method: 'GET',
    path: '/export/files',
    summary: 'Lists the export files on the SD card',
    callers: 'boat',
    answer: json(FilesSchema),
    caching: 'revalidate',
  },
  file: {
    method: 'GET',
    path: '/export/files/{name}',
    summary: 'Downloads one export file',
    callers: 'boat',
    answer: file('application/json'),
  },
  bundle: {
    method: 'POST',
    path: '/export/bundle',
    summary: 'Downloads waiting exports as one offline bundle',
    description:
      '`{"failed":true}` adds failed exports. The request takes no path; the caller saves the bytes, for example to a USB drive.',
    callers: 'boat',
    body: BundleRequestSchema,
    answer: file('application/octet-stream'),
    emptyWhen: 'no export is waiting',
  },
  boatlogCsv: {
    method: 'GET',
    path: '/export/boatlog/csv',
    summary: 'Downloads the complete current boatlog as CSV',
    callers: 'boat',
    answer: file('text/csv'),
  },
  browser: {
    method: 'POST',
    path: '/export/sources/browser',
    summary: "Stores a kiosk page's localStorage values under eight known keys",
    callers: 'pages',
    body: BrowserRequestSchema,
    bodySizeMaxBytes: BROWSER_BODY_SIZE_MAX_BYTES,
    answer: json(BrowserSchema),
  },
  bridge: {
    method: 'GET',
    path: '/export/bridge.js',
    summary: 'Returns the script that a kiosk page uses to send these values',
    callers: 'boat',
    answer: file('text/javascript'),
    caching: 'revalidate',
  },
  settings: {
    method: 'GET',
    path: '/export/settings',
    summary: "Shows the owner's settings",
    description:
      '`usage_telemetry` is off by default. If it is on, telemetry includes the row count of each usage analytics table. `notifications` is on by default.',
    callers: 'boat',
    answer: json(SettingsSchema),
  },
  changeSettings: {
    method: 'POST',
    path: '/export/settings',
    summary: "Changes the owner's settings",
    description:
      'The body is `{"usage_telemetry":true}`, `{"notifications":false}`, or an object with both keys. Switching notifications off also clears them on the Signal K server.',
    callers: 'boat',
    body: SettingsRequestSchema,
    answer: json(SettingsSchema),
  },
  notifications: {
    method: 'GET',
    path: '/export/notifications',
    summary:
      'Reports what the owner is notified about, through which channels, and which notifications are active',
    callers: 'boat',
    answer: json(NotificationsSchema),
  },
  enroll: {
    method: 'POST',
    path: '/export/enroll',
    summary: 'Enrols the boat at central with a one-time code',
    description:
      'The body is `{"code":"7KQ2M-4XB9C"}`. The answer never contains the token. If the answer is lost, the same code can be sent again. A code for another installation is refused with `INSTALLATION_MISMATCH` and stays valid. With `"replace_id":true`, that code is redeemed, but `enrolled` is `false` until `license.json` contains the `installation_id` from the answer and the same code is sent again; `d3kos-export enroll CODE --replace-id` does both.',
    callers: 'boat',
    body: EnrollRequestSchema,
    answer: json(EnrollSchema),
  },
  doctor: {
    method: 'GET',
    path: '/export/doctor',
    summary: "Compares the ledger with the export files and measures the SD card's speed",
    callers: 'boat',
    answer: json(DoctorSchema),
  },
  repair: {
    method: 'POST',
    path: '/export/doctor/repair',
    summary: 'Runs the same checks and carries out all safe repairs',
    description: '`repaired` lists each repair.',
    callers: 'boat',
    answer: json(DoctorSchema),
  },
  events: {
    method: 'GET',
    path: '/export/events',
    summary:
      'Streams server-sent events: `heartbeat`, `queue`, `collecting`, `unread`, `collected`, `uploading`, `delivered`, `destination`',
    description:
      'A stream begins with a heartbeat and the events for the work in progress. It then sends a heartbeat every 15 seconds, so that a page can detect a dead connection.',
    callers: 'boat',
    answer: { mediaType: 'text/event-stream', schema: EventSchema },
  },
  metrics: {
    method: 'GET',
    path: '/metrics',
    summary: 'Returns metrics in the Prometheus text format',
    callers: 'boat',
    answer: file('text/plain'),
  },
  openapi: {
    method: 'GET',
    path: '/openapi.json',
    summary: 'Returns this API as OpenAPI 3.1, with all request and response schemas',
    callers: 'boat',
    answer: json(OpenApiSchema),
    caching: 'revalidate',
  },
} as const satisfies Readonly<Record<string, Route>>;

export type RouteName = keyof typeof ROUTES;

/** Type of route `N`'s answer. */
export type Answer<N extends RouteName> = AnswerOf<(typeof ROUTES)[N]>;

/** Type of route `N`'s input. */
export type Input<N extends RouteName> = InputOf<(typeof ROUTES)[N]>;

/** The routes whose handlers return a JSON value. `file` and `pageTexts` also return JSON, but stream it from disk. */
export type JsonRouteName = Exclude<
  {
    [N in RouteName]: (typeof ROUTES)[N]['answer']['mediaType'] extends 'application/json' ? N : never;
  }[RouteName],
  'file' | 'pageTexts'
>;

/** Lists all routes with their names. */
export function listRoutes(): readonly (Route & { readonly name: RouteName })[] {
  // Object.keys returns string[], but the keys are exactly the route names.
  return (Object.keys(ROUTES) as RouteName[]).map((name) => ({ name, ...ROUTES[name] }));
}

/** Returns the maximum size of a route's request body, in bytes. */
export function toBodySizeMax(route: Route): number {
  return route.bodySizeMaxBytes ?? BODY_SIZE_MAX_BYTES;
}
