import { isInstallationId } from '@d3kos/protocol';
import { type Route, toInstallationParameter } from '../api/contract.ts';
import { type Authentication, authenticate } from '../installations/authenticate.ts';
import type { Credential } from '../installations/credential.ts';
import { parseBearer, type Purpose } from '../installations/policy.ts';
import type { AppContext } from './context.ts';
import { judgeOperator } from './operator.ts';
import { type Refused, refuse } from './reply.ts';

/** An authorized caller. For a boat, `installationId` is its own; for the operator, the one that the request names. */
export type Caller =
  | { readonly kind: 'anyone' }
  | { readonly kind: 'boat'; readonly installationId: string; readonly credential: Credential }
  | { readonly kind: 'operator'; readonly installationId: string };

/** Refusals of authorization; each route lists those of its access. */
export type AuthorizationRefusal =
  'INVALID_TOKEN' | 'INSTALLATION_DISABLED' | 'INSTALLATION_MISMATCH' | 'INVALID_FORMAT' | 'FLEET_CLOSED';

/** Decides whether the sender of a request may use the route (`access` in the contract), and as what. */
export async function authorize(
  context: AppContext,
  route: Route,
  request: Request,
  parameters: Readonly<Partial<Record<string, string>>>,
): Promise<Caller | Refused<AuthorizationRefusal>> {
  const header = request.headers.get('Authorization') ?? undefined;
  switch (route.access) {
    case 'anyone':
      return { kind: 'anyone' };
    case 'boat-imports':
      return authorizeBoat(context, header, 'import');
    case 'boat-reads':
      return authorizeBoat(context, header, 'read');
    case 'boat-or-operator':
      return authorizeOwn(context, header, toInstallationParameter(route, parameters));
    case 'operator':
      return authorizeOperator(context, header);
  }
}

async function authorizeBoat(
  { store, wall }: AppContext,
  header: string | undefined,
  purpose: Purpose,
): Promise<Caller | Refused<AuthorizationRefusal>> {
  return toCaller(await authenticate(store, parseBearer(header), purpose, wall()));
}

/** R63: "Central MUST answer both requests only for the token of that installation or the operator token." */
async function authorizeOwn(
  { store, wall, operatorToken }: AppContext,
  header: string | undefined,
  installationId: string | undefined,
): Promise<Caller | Refused<AuthorizationRefusal>> {
  if (!isInstallationId(installationId))
    return refuse('INVALID_FORMAT', 'the installation id must be 16 lowercase hex digits');
  if (judgeOperator(header, operatorToken) === 'operator') return { kind: 'operator', installationId };
  const caller = toCaller(await authenticate(store, parseBearer(header), 'read', wall()));
  // The same answer whether or not the other installation exists: a boat learns nothing about another one.
  if (caller.kind === 'boat' && caller.installationId !== installationId)
    return refuse('INSTALLATION_MISMATCH', 'the token belongs to a different installation');
  return caller;
}

function authorizeOperator(
  { operatorToken }: AppContext,
  header: string | undefined,
): Caller | Refused<AuthorizationRefusal> {
  switch (judgeOperator(header, operatorToken)) {
    case 'unset':
      return refuse(
        'FLEET_CLOSED',
        'the fleet page is closed: set CENTRAL_OPERATOR_TOKEN (16 characters or more) and restart central',
      );
    case 'refused':
      return refuse('INVALID_TOKEN', 'this page needs the operator token', {
        'WWW-Authenticate': 'Basic realm="d3kos-central", charset="UTF-8"',
      });
    case 'operator':
      return { kind: 'anyone' };
  }
}

function toCaller(
  authentication: Authentication,
): Caller | Refused<'INVALID_TOKEN' | 'INSTALLATION_DISABLED'> {
  switch (authentication.kind) {
    case 'invalid':
      return refuse('INVALID_TOKEN', 'the token is missing, unknown or revoked, or may not be used here');
    case 'disabled':
      return refuse('INSTALLATION_DISABLED', 'the operator disabled this installation');
    case 'accepted':
      return {
        kind: 'boat',
        installationId: authentication.installationId,
        credential: authentication.credential,
      };
  }
}
