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

/** Maximum size of a request body, for a route without its own limit. Most bodies have a few keys. */
const BODY_SIZE_MAX_BYTES = 16 * 1024;
/**
 * Maximum size of a body with browser data. It has room for everything that a browser stores for one origin, including JSON
 * escapes.
 */
const BROWSER_BODY_SIZE_MAX_BYTES = 16 * 1024 * 1024;

const json = <S>(schema: S) => ({ mediaType: 'application/json', schema }) as const;
/** The bytes of a file. OpenAPI describes only their media type. */
const file = <M extends MediaType>(mediaType: M) =>
  ({ mediaType, schema: Type.String({ contentMediaType: mediaType }) }) as const;

/**
 * The local API of the export manager (docs/spec/delivery.md, "HTTP API on 127.0.0.1:8094"): every route, declared once. HTTP
 * handlers, the client of the command line, OpenAPI, the reference page and the types of the pages derive from it.
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
    summary: 'Returns the script of the page',
    callers: 'boat',
    answer: file('text/javascript'),
    caching: 'revalidate',
  },
  pageStyle: {
    method: 'GET',
    path: '/page/boat.css',
    summary: 'Returns the style sheet of the page',
    callers: 'boat',
    answer: file('text/css'),
    caching: 'revalidate',
  },
  pageTexts: {
    method: 'GET',
    path: '/page/texts/{language}',
    summary: 'Returns the texts of the page in one language',
    description: 'The language is a code of two letters, such as `fr`. English is part of the script.',
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
    summary: 'Makes an export and queues it',
    description:
      'Answers after the commit that makes the export durable. Without a body it makes a full export. `{"type":"incremental"}` exports only new records; if there are none, `queued` is `false`. Categories that could not be read are named in `unread_categories`. If nothing else is new, the request fails with `SOURCE_UNREADABLE`.',
    callers: 'boat',
    body: GenerateRequestSchema,
    answer: json(GenerateSchema),
  },
  preview: {
    method: 'GET',
    path: '/export/preview',
    summary:
      'Shows what an export would contain now: the state, count, size and up to three records of each category',
    description:
      '`redacted` lists the fields from which a credential, an address or a local path was removed, with the number of records. `detail` names the keys that are not exported, and what was not understood. Nothing is queued. `type` is `incremental` by default.',
    callers: 'boat',
    query: PreviewQuerySchema,
    answer: json(PreviewSchema),
  },
  queue: {
    method: 'GET',
    path: '/export/queue',
    summary:
      'Lists all entries in the format of `export_queue.json`, with their record count, type and trigger',
    callers: 'boat',
    answer: json(QueueSchema),
  },
  queueStatus: {
    method: 'GET',
    path: '/export/queue/status',
    summary: 'Counts the entries by status and shows the next pending one',
    callers: 'boat',
    answer: json(QueueStatusSchema),
  },
  process: {
    method: 'POST',
    path: '/export/queue/process',
    summary: 'Sends waiting exports now',
    description:
      'Cancels all retry delays. Overrides the metered limit and the data budget for the waiting exports.',
    callers: 'boat',
    answer: json(ProcessSchema),
  },
  cleanup: {
    method: 'POST',
    path: '/export/queue/cleanup',
    summary: 'Removes the files of delivered exports older than 30 days',
    description:
      'Also removes failed exports older than 7 days whose records are proven to have been delivered. `{"completed_older_than_days":N}` replaces the 30 days.',
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
      "Sums the deliveries of the last 30 days by the boat's calendar: exports, records and bytes sent",
    callers: 'boat',
    answer: json(DeliveredDaysSchema),
    caching: 'revalidate',
  },
  files: {
    method: 'GET',
    path: '/export/files',
    summary: 'Lists the export files on the card',
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
    emptyWhen: 'no export waits',
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
    summary: 'Returns the script that sends these values from a kiosk page',
    callers: 'boat',
    answer: file('text/javascript'),
    caching: 'revalidate',
  },
  settings: {
    method: 'GET',
    path: '/export/settings',
    summary: "Shows the owner's settings",
    description:
      '`usage_telemetry` is off by default. If it is on, telemetry contains the number of rows in each usage analytics table. `notifications` is on by default.',
    callers: 'boat',
    answer: json(SettingsSchema),
  },
  changeSettings: {
    method: 'POST',
    path: '/export/settings',
    summary: "Changes the owner's settings",
    description:
      'The body is `{"usage_telemetry":true}`, `{"notifications":false}`, or both. Switching notifications off clears those that are shown on the Signal K server.',
    callers: 'boat',
    body: SettingsRequestSchema,
    answer: json(SettingsSchema),
  },
  notifications: {
    method: 'GET',
    path: '/export/notifications',
    summary: 'Reports of what the owner is notified, where, and what is shown now',
    callers: 'boat',
    answer: json(NotificationsSchema),
  },
  enroll: {
    method: 'POST',
    path: '/export/enroll',
    summary: 'Enrols the boat at central with a one-time code',
    description:
      'The body is `{"code":"7KQ2M-4XB9C"}`. The answer never contains the token, and the same code may be sent again if the answer was lost. A code for another installation is refused with `INSTALLATION_MISMATCH` and stays valid. With `"replace_id":true` it is redeemed, but `enrolled` is `false` until `license.json` names the `installation_id` of the answer and the same code is sent again; `d3kos-export enroll CODE --replace-id` does both.',
    callers: 'boat',
    body: EnrollRequestSchema,
    answer: json(EnrollSchema),
  },
  doctor: {
    method: 'GET',
    path: '/export/doctor',
    summary: 'Compares the ledger with the export files and measures the card',
    callers: 'boat',
    answer: json(DoctorSchema),
  },
  repair: {
    method: 'POST',
    path: '/export/doctor/repair',
    summary: 'Runs the same checks and makes all safe repairs',
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
      'A stream begins with a heartbeat and the work in progress. A heartbeat follows every 15 seconds, so that a page notices a connection that died silently.',
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

/** The answer of route `N`. */
export type Answer<N extends RouteName> = AnswerOf<(typeof ROUTES)[N]>;

/** The input of route `N`. */
export type Input<N extends RouteName> = InputOf<(typeof ROUTES)[N]>;

/** The routes whose handlers return JSON as a value. `file` and `pageTexts` also answer with JSON, but read it from disk. */
export type JsonRouteName = Exclude<
  {
    [N in RouteName]: (typeof ROUTES)[N]['answer']['mediaType'] extends 'application/json' ? N : never;
  }[RouteName],
  'file' | 'pageTexts'
>;

/** Every route with its name. */
export function listRoutes(): readonly (Route & { readonly name: RouteName })[] {
  // Object.keys returns string[], but the keys are exactly the route names.
  return (Object.keys(ROUTES) as RouteName[]).map((name) => ({ name, ...ROUTES[name] }));
}

/** Maximum size of a request body for a route that takes one, in bytes. */
export function toBodySizeMax(route: Route): number {
  return route.bodySizeMaxBytes ?? BODY_SIZE_MAX_BYTES;
}
