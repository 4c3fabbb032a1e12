import type { AdmittedRequest } from '../admission/admission.ts';
import type { BodyOf, ParameterOf, RouteId, ROUTES } from '../api/contract.ts';
import type { Credential } from '../installations/credential.ts';
import type { BodySource } from '../platform/ports.ts';
import type { AppContext } from './context.ts';
import type { Operator } from './operator.ts';
import type { Reply } from './reply.ts';
import type { Sender } from './sender.ts';

/** A request that has been authorized and admitted, and whose parameters match their schemas. */
export interface RouteRequest<Id extends RouteId> {
  readonly raw: Request;
  /** Reads the body from the connection. Undefined for a request without a connection, whose body is read from `raw`. */
  readonly bodySource: BodySource | undefined;
  readonly parameters: Readonly<Partial<Record<ParameterOf<Id>, string>>>;
  /** The checked JSON body. Undefined for an import and for a route without a body. */
  readonly body: BodyOf<Id>;
  readonly sender: Sender;
  readonly installationId: InstallationOf<Id>;
  readonly operator: OperatorOf<Id>;
  /** The credential that authenticated the boat. Undefined for other callers. */
  readonly credential: Credential | undefined;
  readonly admitted: AdmittedRequest;
}

/** The installation that a request concerns. Undefined for routes that do not concern one. */
type InstallationOf<Id extends RouteId> = (typeof ROUTES)[Id]['access'] extends
  'anyone' | 'operator' | 'admin'
  ? undefined
  : string;

/** The operator, for routes that only operators may call. */
type OperatorOf<Id extends RouteId> = (typeof ROUTES)[Id]['access'] extends 'operator' | 'admin'
  ? Operator
  : Operator | undefined;

export type Handler<Id extends RouteId> = (
  context: AppContext,
  request: RouteRequest<Id>,
) => Promise<Reply<Id>> | Reply<Id>;
