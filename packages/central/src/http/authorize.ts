import { isInstallationId } from '@d3kos/protocol';
import { type Route, toInstallationParameter } from '../api/route.ts';
import { type Authentication, authenticate } from '../installations/authenticate.ts';
import type { Credential } from '../installations/credential.ts';
import { parseBearer, type Purpose } from '../installations/policy.ts';
import type { AppContext } from './context.ts';
import { findOperator, type Operator } from './operator.ts';
import { findOwnChannel, isFromAnotherSite } from './own-origin.ts';
import { type Refused, refuse } from './reply.ts';
import type { Sender } from './sender.ts';
import { parseSessionCookie } from './session-cookie.ts';

/**
 * An authorized caller. For a boat, `installationId` is its own. For an operator, it is the one named in the request, if any.
 */
export type Caller =
  | { readonly kind: 'anyone' }
  | { readonly kind: 'boat'; readonly installationId: string; readonly credential: Credential }
  | {
      readonly kind: 'operator';
      readonly operator: Operator;
      readonly installationId: string | undefined;
    };

/** Refusals of authorization. Each route lists the refusals of its access class. */
export type AuthorizationRefusal =
  | 'INVALID_TOKEN'
  | 'INSTALLATION_DISABLED'
  | 'INSTALLATION_MISMATCH'
  | 'INVALID_FORMAT'
  | 'FORBIDDEN'
  | 'ORIGIN_REFUSED'
  | 'TOO_MANY_REQUESTS';

/** A refusal and, for the audit trail, the installation whose credential was refused. */
type Decision = Caller | (Refused<AuthorizationRefusal> & { readonly installationId?: string | undefined });

/**
 * Decides whether the sender of a request may use the route (`access` in the contract), and in what role. A network that
 * presented too many refused credentials gets 429 before its credential is looked up. Refusals are counted, logged and recorded
 * in the audit trail.
 */
export async function authorize(
  context: AppContext,
  route: Route,
  request: Request,
  parameters: Readonly<Partial<Record<string, string>>>,
  sender: Sender,
): Promise<Caller | Refused<AuthorizationRefusal>> {
  const { guard } = context;
  const header = request.headers.get('Authorization') ?? undefined;
  const credential = header === undefined ? findSessionId(route, request) : parseBearer(header);
  if (route.access === 'anyone' || credential === undefined)
    return decide(context, route, request, parameters);
  if (!guard.mayPresent(sender, credential))
    return refuse('TOO_MANY_REQUESTS', 'too many refused credentials came from this address');
  const decision = await decide(context, route, request, parameters);
  if (decision.kind !== 'refused') guard.noteAccepted(credential);
  else if (decision.refusal === 'INVALID_TOKEN')
    await guard.noteInvalid(sender, credential, decision.installationId);
  else if (decision.installationId !== undefined)
    await guard.noteRefused(sender, decision.installationId, decision.refusal);
  return decision;
}

/**
 * The session ID presented with a request to an operator route. Like a token, it could be guessed, and looking it up costs a
 * query. A page on another site must not be able to use up the operator's limit.
 */
function findSessionId({ access }: Route, request: Request): string | undefined {
  const isForBoats = access === 'boat-imports' || access === 'boat-reads';
  return isForBoats || isFromAnotherSite(request) ? undefined : parseSessionCookie(request);
}

async function decide(
  context: AppContext,
  route: Route,
  request: Request,
  parameters: Readonly<Partial<Record<string, string>>>,
): Promise<Decision> {
  const header = request.headers.get('Authorization') ?? undefined;
  switch (route.access) {
    case 'anyone':
      return { kind: 'anyone' };
    case 'boat-imports':
      return authorizeBoat(context, header, 'import');
    case 'boat-reads':
      return authorizeBoat(context, header, 'read');
    case 'boat-or-operator':
    case 'boat-or-admin':
      return authorizeOwn(context, route, request, toInstallationParameter(route, parameters));
    case 'operator':
    case 'admin':
      return authorizeOperator(route, request, await findOperator(context, request));
  }
}

async function authorizeBoat(
  { store, wall }: AppContext,
  header: string | undefined,
  purpose: Purpose,
): Promise<Decision> {
  return toCaller(await authenticate(store, parseBearer(header), purpose, wall()));
}

/**
 * R63: "Central MUST answer both requests only for the token of that installation or an operator, and R62 only for an operator
 * with the role `admin`."
 */
async function authorizeOwn(
  context: AppContext,
  route: Route,
  request: Request,
  installationId: string | undefined,
): Promise<Decision> {
  const { store, wall } = context;
  if (!isInstallationId(installationId))
    return refuse('INVALID_FORMAT', 'the installation ID must be 16 lowercase hex digits');
  const operator = await findOperator(context, request);
  if (operator !== undefined) {
    const decision = authorizeOperator(route, request, operator);
    return decision.kind === 'operator' ? { ...decision, installationId } : decision;
  }
  const bearer = parseBearer(request.headers.get('Authorization') ?? undefined);
  const caller = toCaller(await authenticate(store, bearer, 'read', wall()));
  // The answer is the same whether or not the other installation exists, so that a boat cannot find out about another boat.
  if (caller.kind === 'boat' && caller.installationId !== installationId)
    return {
      ...refuse('INSTALLATION_MISMATCH', 'the token belongs to a different installation'),
      installationId: caller.installationId,
    };
  return caller;
}

function authorizeOperator({ access }: Route, request: Request, operator: Operator | undefined): Decision {
  if (operator === undefined)
    return refuse('INVALID_TOKEN', 'log in, or send the operator token as a bearer token');
  if (operator.session !== undefined && request.method !== 'GET' && findOwnChannel(request) === undefined)
    return refuse(
      'ORIGIN_REFUSED',
      "a request with a session needs central's own Origin and the header X-Requested-With",
    );
  if (operator.role !== 'admin' && (access === 'admin' || access === 'boat-or-admin'))
    return refuse('FORBIDDEN', 'this request needs the role admin');
  return { kind: 'operator', operator, installationId: undefined };
}

function toCaller(authentication: Authentication): Decision {
  switch (authentication.kind) {
    case 'invalid':
      return {
        ...refuse(
          'INVALID_TOKEN',
          'the token is missing, unknown, revoked or expired, or may not be used here',
        ),
        installationId: authentication.installationId,
      };
    case 'disabled':
      return {
        ...refuse('INSTALLATION_DISABLED', 'the operator disabled this installation'),
        installationId: authentication.installationId,
      };
    case 'accepted':
      return {
        kind: 'boat',
        installationId: authentication.installationId,
        credential: authentication.credential,
      };
  }
}
