import type { Static, TObject, TSchema } from 'typebox';

/** Media types of answers. The schema describes parsed JSON only for `application/json`. */
export type MediaType =
  | 'application/json'
  | 'application/octet-stream'
  | 'text/css'
  | 'text/csv'
  | 'text/event-stream'
  | 'text/html'
  | 'text/javascript'
  | 'text/plain';

/** The answer when the status is 200. */
export interface RouteAnswer {
  readonly mediaType: MediaType;
  /** Schema of the parsed JSON, the text, or each server-sent event's `data`. */
  readonly schema: TSchema;
}

/** One route of the local API. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** The path with its parameters in OpenAPI notation, for example `/export/queue/{id}`. */
  readonly path: string;
  /** A one-sentence summary without a full stop. */
  readonly summary: string;
  /** Additional text for the reference page. */
  readonly description?: string;
  /** `pages`: only pages from an allowed origin. `boat`: also any program on the boat. */
  readonly callers: 'boat' | 'pages';
  readonly query?: TObject;
  /** Schema of the JSON body. A missing body counts as `{}`. */
  readonly body?: TSchema;
  readonly bodySizeMaxBytes?: number;
  readonly answer: RouteAnswer;
  /** When the route answers 204. */
  readonly emptyWhen?: string;
  /**
   * `revalidate`: answers carry an ETag, and clients may cache them but must revalidate before each use. Otherwise, clients must
   * not store answers.
   */
  readonly caching?: 'revalidate';
}

/** `T` with every property readonly at every depth. */
export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** The names of a path's parameters, written in braces in the path. */
export type PathParameters<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PathParameters<Rest>
  : never;

export type AnswerOf<R extends Route> = DeepReadonly<Static<R['answer']['schema']>>;

/** A route's input: path parameters, query and body. Each is empty if the route has none. */
export interface InputOf<R extends Route> {
  readonly params: Readonly<Record<PathParameters<R['path']>, string>>;
  readonly query: R extends { readonly query: infer Query extends TSchema }
    ? DeepReadonly<Static<Query>>
    : Readonly<Record<never, never>>;
  readonly body: R extends { readonly body: infer Body extends TSchema }
    ? DeepReadonly<Static<Body>>
    : Readonly<Record<never, never>>;
}

/** Returns a request path with its parameters and query percent-encoded. */
export function toRequestPath(
  route: Pick<Route, 'path'>,
  params: Readonly<Record<string, string>> = {},
  query: Readonly<Record<string, string | number | boolean | undefined>> = {},
): string {
  const path = route.path.replaceAll(/\{([a-z]+)\}/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? ''),
  );
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
  );
  return pairs.length === 0 ? path : `${path}?${pairs.join('&')}`;
}
