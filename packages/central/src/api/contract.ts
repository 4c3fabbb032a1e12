import {
  type CentralErrorCode,
  ExportDocumentSchema,
  HEALTH_PATH,
  HealthSchema,
  HeldPartsSchema,
  IMPORT_PATH,
  INSTALLATION_ID_PATTERN,
  LEDGER_ID_HEADER,
  ReceiptSchema,
} from '@d3kos/protocol';
import { type TSchema, Type } from 'typebox';
import {
  ExportStatusSchema,
  OpenApiSchema,
  type ReadonlyStatic,
  StoredConfigurationSchema,
} from './schemas.ts';

/** Who may call a route. Every request to it is authorized by `http/authorize.ts` before its handler runs. */
export type Access =
  /** Anyone, without credentials. */
  | 'anyone'
  /** A boat, with its device token or, where the operator allows it, its installation id. */
  | 'boat-imports'
  /** A boat, with its device token. An installation id is not secret, so it gives no read access. */
  | 'boat-reads'
  /** A boat as in `boat-reads`, for its own installation, which a parameter names; or the operator, for any installation. */
  | 'boat-or-operator'
  | 'operator';

/** Which limits of `admission/policy.ts` a boat's request counts against. The operator's requests are not limited. */
export type Load =
  | 'none'
  | 'import'
  /** Reads everything that central holds of an installation. The request needs a permit. */
  | 'query'
  /** Reads a few rows. Only the limit per installation applies. */
  | 'small-query';

/** A parameter as OpenAPI describes it. Path and query parameters are checked with `schema` before the handler runs. */
export interface Parameter {
  readonly in: 'path' | 'query' | 'header';
  readonly name: string;
  readonly required: boolean;
  readonly description: string;
  readonly schema: TSchema;
}

/** Every refusal, with its status and the `error_code` of its body. */
export const REFUSALS = {
  INVALID_FORMAT: { status: 400, code: 'INVALID_FORMAT' },
  INVALID_DIGEST: { status: 400, code: 'INVALID_DIGEST' },
  INVALID_TOKEN: { status: 401, code: 'INVALID_TOKEN' },
  INSTALLATION_MISMATCH: { status: 403, code: 'INSTALLATION_MISMATCH' },
  INSTALLATION_DISABLED: { status: 403, code: 'INSTALLATION_DISABLED' },
  FLEET_CLOSED: { status: 403, code: 'FLEET_CLOSED' },
  NOT_FOUND: { status: 404, code: 'NOT_FOUND' },
  METHOD_NOT_ALLOWED: { status: 405, code: 'METHOD_NOT_ALLOWED' },
  /** A body that ended early. A boat tries again after 408; 400 would fail the export permanently. */
  BODY_INCOMPLETE: { status: 408, code: 'UNAVAILABLE' },
  IDEMPOTENCY_CONFLICT: { status: 409, code: 'IDEMPOTENCY_CONFLICT' },
  LEDGER_DIVERGED: { status: 409, code: 'LEDGER_DIVERGED' },
  BODY_TOO_LARGE: { status: 413, code: 'BODY_TOO_LARGE' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' },
  TOO_MANY_REQUESTS: { status: 429, code: 'TOO_MANY_REQUESTS' },
  QUOTA_EXCEEDED: { status: 429, code: 'QUOTA_EXCEEDED' },
  INTERNAL: { status: 500, code: 'INTERNAL' },
  UNAVAILABLE: { status: 503, code: 'UNAVAILABLE' },
} as const satisfies Readonly<
  Record<CentralErrorCode | 'BODY_INCOMPLETE', { readonly status: number; readonly code: CentralErrorCode }>
>;
export type Refusal = keyof typeof REFUSALS;

/**
 * The refusals of admission, by the limit that a request meets (`admission/policy.ts`). A refused boat keeps its export and sends it
 * again after `Retry-After`.
 */
export const ADMISSION_REFUSALS = {
  // R47: "Central MUST answer 429 `TOO_MANY_REQUESTS` when one installation has too many requests in progress."
  installation_busy: {
    refusal: 'TOO_MANY_REQUESTS',
    message: 'other requests of this installation are still in progress',
  },
  // R70: "Central MUST answer 429 `TOO_MANY_REQUESTS` when one installation takes more than its share of a node."
  installation_over_budget: {
    refusal: 'TOO_MANY_REQUESTS',
    message: 'the requests of this installation take too much processor time',
  },
  // R48: "Central MUST answer 503 `UNAVAILABLE` when the node is at its limits or the database does not answer."
  node_busy: { refusal: 'UNAVAILABLE', message: 'this node is at its limit of concurrent requests' },
} as const satisfies Readonly<
  Record<string, { readonly refusal: 'TOO_MANY_REQUESTS' | 'UNAVAILABLE'; readonly message: string }>
>;

/** One route. Its handler, OpenAPI and the reference page derive from these facts. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** In OpenAPI's form: `{name}` is a path parameter. */
  readonly path: string;
  readonly access: Access;
  readonly load: Load;
  readonly summary: string;
  /** Further sentences of the reference page, in Markdown. */
  readonly description: string;
  readonly parameters: readonly Parameter[];
  /** The schema of a decoded request body. Undefined if the route takes no body. */
  readonly body: TSchema | undefined;
  /** The only answer that is not a refusal. Its status is 200. */
  readonly answer: {
    readonly description: string;
    readonly contentType: string;
    readonly schema: TSchema;
  };
  readonly refusals: readonly Refusal[];
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** Refusals of every route that reads the database. */
const STORE_REFUSALS = ['INTERNAL', 'UNAVAILABLE'] as const;
/** Refusals of every route for boats. */
const BOAT_REFUSALS = [
  'INVALID_TOKEN',
  'INSTALLATION_DISABLED',
  'TOO_MANY_REQUESTS',
  ...STORE_REFUSALS,
] as const;

/** The parameter that names the installation of a `boat-or-operator` route. */
const installationId = Type.String({ pattern: INSTALLATION_ID_PATTERN });

/** Every route of central's API, in the order of the reference page. */
export const ROUTES = {
  importPart: {
    method: 'POST',
    path: IMPORT_PATH,
    access: 'boat-imports',
    load: 'import',
    summary: 'Store a document or one part of a document, and answer with a receipt.',
    description:
      'If a key is repeated with the same body, central returns the same receipt with `duplicate:true`. If the body is different, it answers 409. If another export has the same sequence in the same ledger, it answers 409 `LEDGER_DIVERGED`, and the boat begins a new ledger.',
    parameters: [
      {
        in: 'header',
        name: 'Idempotency-Key',
        required: false,
        description: '`<export_id>/<part index>`. If it is absent, central derives it from the document.',
        schema: Type.String(),
      },
      {
        in: 'header',
        name: 'Content-Digest',
        required: false,
        description: 'RFC 9530 sha-256 of the bytes sent',
        schema: Type.String(),
      },
      {
        in: 'header',
        name: LEDGER_ID_HEADER,
        required: false,
        description:
          'The ledger that the boat uses now; it differs from the document for an export of a lost ledger',
        schema: Type.String(),
      },
      {
        in: 'header',
        name: 'Content-Encoding',
        required: false,
        description: 'gzip, br or zstd',
        schema: Type.String(),
      },
    ],
    body: ExportDocumentSchema,
    answer: { description: 'The receipt', contentType: JSON_TYPE, schema: ReceiptSchema },
    refusals: [
      'INVALID_FORMAT',
      'INVALID_DIGEST',
      'INSTALLATION_MISMATCH',
      'BODY_INCOMPLETE',
      'IDEMPOTENCY_CONFLICT',
      'LEDGER_DIVERGED',
      'BODY_TOO_LARGE',
      'UNSUPPORTED_MEDIA_TYPE',
      'QUOTA_EXCEEDED',
      ...BOAT_REFUSALS,
    ],
  },
  heldParts: {
    method: 'GET',
    path: `${IMPORT_PATH}/{export_id}`,
    access: 'boat-reads',
    load: 'small-query',
    summary: "Return the receipts for the parts that central holds of one of the boat's exports.",
    description: 'If `next` is not null, pass its value as `?after=` to get the rest.',
    parameters: [
      {
        in: 'path',
        name: 'export_id',
        required: true,
        description: 'The export',
        schema: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,80}$' }),
      },
      {
        in: 'query',
        name: 'after',
        required: false,
        description: 'Return only parts with a higher index',
        schema: Type.String({ pattern: '^[0-9]{1,7}$' }),
      },
    ],
    body: undefined,
    answer: { description: 'The receipts', contentType: JSON_TYPE, schema: HeldPartsSchema },
    refusals: ['INVALID_FORMAT', ...BOAT_REFUSALS],
  },
  exportStatus: {
    method: 'GET',
    path: '/api/v1/data/export/status',
    access: 'boat-or-operator',
    load: 'query',
    summary:
      'Return what central holds of an installation, and the sequences missing from its newest ledger.',
    description:
      '`withdrawn_sequences` are missing because the boat withdrew them; later exports contain their records. `concurrent_ledgers` is above 0 if two machines use this installation ID. Values that only the boat has are null.',
    parameters: [
      {
        in: 'query',
        name: 'installation_id',
        required: true,
        description: 'The installation',
        schema: installationId,
      },
    ],
    body: undefined,
    answer: { description: 'The status', contentType: JSON_TYPE, schema: ExportStatusSchema },
    refusals: ['INVALID_FORMAT', 'INSTALLATION_MISMATCH', 'NOT_FOUND', ...BOAT_REFUSALS],
  },
  configuration: {
    method: 'GET',
    path: '/api/v1/installations/{id}/configuration',
    access: 'boat-or-operator',
    load: 'query',
    summary: 'Return the newest onboarding and settings records, which are used to restore a reflashed boat.',
    description: 'A record larger than 2 MiB is returned as null.',
    parameters: [
      {
        in: 'path',
        name: 'id',
        required: true,
        description: 'The installation',
        schema: installationId,
      },
    ],
    body: undefined,
    answer: { description: 'The configuration', contentType: JSON_TYPE, schema: StoredConfigurationSchema },
    refusals: ['INVALID_FORMAT', 'INSTALLATION_MISMATCH', 'NOT_FOUND', ...BOAT_REFUSALS],
  },
  health: {
    method: 'GET',
    path: HEALTH_PATH,
    access: 'anyone',
    load: 'none',
    summary: "Return the name of this service and central's time.",
    description:
      'The node does not read the database for this answer, so the answer does not show whether the database is available.',
    parameters: [],
    body: undefined,
    answer: { description: 'The name and the time', contentType: JSON_TYPE, schema: HealthSchema },
    refusals: [],
  },
  metrics: {
    method: 'GET',
    path: '/metrics',
    access: 'anyone',
    load: 'none',
    summary: 'Return metrics in the Prometheus text format.',
    description: 'No metric names an installation.',
    parameters: [],
    body: undefined,
    answer: {
      description: 'The metrics',
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      schema: Type.String(),
    },
    refusals: STORE_REFUSALS,
  },
  openApi: {
    method: 'GET',
    path: '/openapi.json',
    access: 'anyone',
    load: 'none',
    summary: 'Return this API as an OpenAPI 3.1 document.',
    description: '',
    parameters: [],
    body: undefined,
    answer: { description: 'The document', contentType: JSON_TYPE, schema: OpenApiSchema },
    refusals: [],
  },
  fleetPage: {
    method: 'GET',
    path: '/',
    access: 'operator',
    load: 'none',
    summary: 'Show the fleet as a web page.',
    description:
      'Send the operator token as a bearer token, or as the HTTP Basic password with any user name.',
    parameters: [],
    body: undefined,
    answer: { description: 'The page', contentType: 'text/html; charset=utf-8', schema: Type.String() },
    refusals: ['INVALID_TOKEN', 'FLEET_CLOSED', 'TOO_MANY_REQUESTS', ...STORE_REFUSALS],
  },
} as const satisfies Readonly<Record<string, Route>>;

export type RouteId = keyof typeof ROUTES;
/** The body of a route's answer. */
export type AnswerOf<Id extends RouteId> = ReadonlyStatic<(typeof ROUTES)[Id]['answer']['schema']>;
/** The refusals that a route's handler may return. */
export type RefusalOf<Id extends RouteId> = (typeof ROUTES)[Id]['refusals'][number];
/** Names of a route's path and query parameters. */
export type ParameterOf<Id extends RouteId> = Exclude<
  (typeof ROUTES)[Id]['parameters'][number],
  { readonly in: 'header' }
>['name'];

/** Every route with its id. */
export const ROUTE_LIST: readonly (Route & { readonly id: RouteId })[] = Object.entries(ROUTES).map(
  // Object.entries widens the keys of a constant.
  ([id, route]) => ({ ...route, id: id as RouteId }),
);

/** Value of the parameter that names the installation. Undefined if the request does not have it. */
export function toInstallationParameter(
  route: Route,
  parameters: Readonly<Partial<Record<string, string>>>,
): string | undefined {
  const parameter = route.parameters.find(({ schema }) => schema === installationId);
  return parameter === undefined ? undefined : parameters[parameter.name];
}
