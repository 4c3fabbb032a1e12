import { type TSchema, Type } from 'typebox';
import { BrowserDocumentsSchema } from '../collect/browser-data.ts';

/** One route of the API: what OpenAPI says of it. The handlers are in `app.ts`; a test holds the two together. */
export interface RouteDescription {
  readonly method: 'get' | 'post' | 'delete';
  readonly path: string;
  readonly summary: string;
  readonly query?: Readonly<Record<string, TSchema>>;
  readonly body?: TSchema;
}

/** `POST /export/generate`. No body is a full, manual export, as in the seed. */
export const GenerateSchema = Type.Object(
  {
    type: Type.Optional(Type.Enum(['full', 'incremental'])),
    trigger: Type.Optional(Type.Enum(['manual', 'scheduled', 'boot'])),
  },
  { additionalProperties: false },
);

/** `POST /export/queue/cleanup`. */
export const CleanupSchema = Type.Object(
  { completed_older_than_days: Type.Optional(Type.Integer({ minimum: 0, maximum: 3650 })) },
  { additionalProperties: false },
);

/** `POST /export/settings`. */
export const SettingsSchema = Type.Object(
  { usage_telemetry: Type.Boolean({ description: 'Whether usage analytics may go with the telemetry' }) },
  { additionalProperties: false },
);

/** `POST /export/bundle`. It names no place: the bytes are the answer, and whoever asks writes them. */
export const BundleSchema = Type.Object(
  { failed: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
);

export const ROUTES: readonly RouteDescription[] = [
  { method: 'get', path: '/health', summary: 'The service names itself' },
  {
    method: 'get',
    path: '/export/status',
    summary: 'Tier, queue, destination, schedule, storage, categories',
  },
  { method: 'post', path: '/export/generate', summary: 'Make an export and queue it', body: GenerateSchema },
  {
    method: 'get',
    path: '/export/preview',
    summary: 'What would be sent now, per category; nothing is queued',
    query: { type: Type.Enum(['full', 'incremental']) },
  },
  { method: 'get', path: '/export/queue', summary: 'All entries, in the format of export_queue.json' },
  { method: 'get', path: '/export/queue/status', summary: 'How many entries each list holds' },
  { method: 'post', path: '/export/queue/process', summary: 'Send what waits now' },
  { method: 'post', path: '/export/queue/cleanup', summary: 'Remove delivered files', body: CleanupSchema },
  { method: 'post', path: '/export/queue/{id}/retry', summary: 'A failed entry waits again' },
  {
    method: 'delete',
    path: '/export/queue/{id}',
    summary: 'Stop trying; its records go with the next export',
  },
  {
    method: 'get',
    path: '/export/history',
    summary: 'Delivered exports, newest first',
    query: { limit: Type.Integer({ minimum: 1, maximum: 10_000 }) },
  },
  { method: 'get', path: '/export/files', summary: 'Export files on the card' },
  { method: 'get', path: '/export/files/{name}', summary: 'One export file' },
  {
    method: 'post',
    path: '/export/bundle',
    summary: 'What waits, as one file for a stick; 204 where nothing does',
    body: BundleSchema,
  },
  { method: 'get', path: '/export/boatlog/csv', summary: 'The boatlog as CSV' },
  {
    method: 'post',
    path: '/export/sources/browser',
    summary: 'A kiosk page hands over its localStorage; only from the allowed origins',
    body: BrowserDocumentsSchema,
  },
  { method: 'get', path: '/export/bridge.js', summary: 'The script with which a kiosk page does that' },
  { method: 'get', path: '/export/settings', summary: "The owner's choices" },
  { method: 'post', path: '/export/settings', summary: "Change the owner's choices", body: SettingsSchema },
  {
    method: 'get',
    path: '/export/doctor',
    summary: 'Ledger and spool against each other; the card measured',
  },
  {
    method: 'post',
    path: '/export/doctor/repair',
    summary: 'The same, and what is safe to mend is mended',
  },
  { method: 'get', path: '/export/events', summary: 'Server-sent events: queue, progress, destination' },
  { method: 'get', path: '/metrics', summary: 'Prometheus metrics' },
  { method: 'get', path: '/openapi.json', summary: 'This description' },
];

/** The API as OpenAPI 3.1, whose schemas are JSON Schema as they are. */
export function toOpenApi(version: string): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of ROUTES) {
    const names = [...route.path.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1] ?? '');
    const parameters = [
      ...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
      ...Object.entries(route.query ?? {}).map(([name, schema]) => ({ name, in: 'query', schema })),
    ];
    const operation: Record<string, unknown> = {
      summary: route.summary,
      parameters,
      responses: {
        '200': { description: 'Done' },
        default: {
          description: 'Refused or failed',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
        },
      },
    };
    if (route.body !== undefined)
      operation['requestBody'] = { required: false, content: { 'application/json': { schema: route.body } } };
    paths[route.path] = { ...paths[route.path], [route.method]: operation };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'd3kOS export manager', version },
    paths,
    components: {
      schemas: {
        Error: Type.Object({
          success: Type.Literal(false),
          error: Type.String(),
          code: Type.String(),
          hint: Type.String(),
        }),
      },
    },
  };
}
