import { INSTALLATION_ID_PATTERN } from '@d3kos/protocol';
import { type TSchema, Type } from 'typebox';
import type { Refusal } from './refusals.ts';

/** Who may call a route. `http/authorize.ts` authorizes every request before the route's handler runs. */
export type Access =
  /** Anyone, without credentials. */
  | 'anyone'
  /** A boat, with its device token or, if the operator allows it, its installation ID. */
  | 'boat-imports'
  /** A boat, with its device token. An installation ID is not secret, so it gives no read access. */
  | 'boat-reads'
  /** Either a boat as in `boat-reads`, for its own installation, or an operator, for any. A parameter names the installation. */
  | 'boat-or-operator'
  /**
   * Like `boat-or-operator`, but only for operators with the role `admin`, because the answer contains settings of the boat.
   */
  | 'boat-or-admin'
  /** An operator of any role: an account with a session, or the operator token. */
  | 'operator'
  /** An operator with the role `admin`, or the operator token. */
  | 'admin';

/** The limits in `admission/policy.ts` that a boat's request counts against. Operator requests are not limited. */
export type Load =
  | 'none'
  | 'import'
  /** Reads all of an installation's data. The request needs a permit. */
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

/** One route. The handler, the OpenAPI document and the reference page derive from it. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** The path in OpenAPI syntax: `{name}` is a path parameter. */
  readonly path: string;
  readonly access: Access;
  readonly load: Load;
  readonly summary: string;
  /** Additional text for the reference page, in Markdown. */
  readonly description: string;
  readonly parameters: readonly Parameter[];
  /** The schema of a decoded request body. Undefined if the route takes no body. */
  readonly body: TSchema | undefined;
  /**
   * Maximum size of a JSON body, which is read and checked before the handler runs. Undefined if the route's handler reads the
   * body.
   */
  readonly bodySizeMaxBytes?: number;
  /**
   * Longest time until the answer begins. Undefined if the usual limit on a connection's silence is enough (`platform/listen.ts`).
   */
  readonly answerMaxMs?: number;
  /** The answer to a request that is not refused. Its status is 200. */
  readonly answer: {
    readonly description: string;
    readonly contentType: string;
    readonly schema: TSchema;
  };
  readonly refusals: readonly Refusal[];
}

/** The content type of every JSON answer. */
export const JSON_TYPE = 'application/json; charset=utf-8';

/** Refusals shared by every route that reads the database. */
export const STORE_REFUSALS = ['INTERNAL', 'UNAVAILABLE'] as const;
/** Refusals shared by every boat route. */
export const BOAT_REFUSALS = [
  'INVALID_TOKEN',
  'INSTALLATION_DISABLED',
  'TOO_MANY_REQUESTS',
  ...STORE_REFUSALS,
] as const;

/** Refusals shared by every operator route. A route that changes something also refuses requests from pages of other origins. */
export const OPERATOR_REFUSALS = ['INVALID_TOKEN', 'TOO_MANY_REQUESTS', ...STORE_REFUSALS] as const;
/** Refusals shared by every admin route. */
export const ADMIN_REFUSALS = ['FORBIDDEN', ...OPERATOR_REFUSALS] as const;

/** Refusals shared by every route whose JSON body is checked before its handler runs. */
export const BODY_REFUSALS = [
  'INVALID_FORMAT',
  'BODY_INCOMPLETE',
  'BODY_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
] as const;

/** Maximum JSON body size for requests other than imports. Such a body has a few short members. */
export const SMALL_BODY_SIZE_MAX_BYTES = 4_096;

/** The parameter that identifies the installation of a `boat-or-operator` route. */
export const installationId = Type.String({ pattern: INSTALLATION_ID_PATTERN });

/** Returns the value of the parameter that identifies the installation. Undefined if the request does not have it. */
export function toInstallationParameter(
  route: Route,
  parameters: Readonly<Partial<Record<string, string>>>,
): string | undefined {
  const parameter = route.parameters.find(({ schema }) => schema === installationId);
  return parameter === undefined ? undefined : parameters[parameter.name];
}
