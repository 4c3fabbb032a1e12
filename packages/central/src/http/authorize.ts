import { isInstallationId } from '@d3kos/protocol';
import { type Route, toInstallationParameter } from '../api/route.ts';
import { type Authentication, authenticate } from '../installations/authenticate.ts';
import type { Credential } from '../installations/credential.ts';
import { parseBearer, type Purpose } from '../installations/policy.ts';
import type { AppContext } from './context.ts';
import { judgeOperator, parseCredential } from './operator.ts';
import { type Refused, refuse } from './reply.ts';
import type { Sender } from './sender.ts';

/** An authorized caller. For a boat, `installationId` is its own; for the operator, the one that the request names. */
export type Caller =
  | { readonly kind: 'anyone' }
  | { readonly kind: 'boat'; readonly installationId: string; readonly credential: Credential }
  | { readonly kind: 'operator'; readonly installationId: string };

/** Refusals of authorization; each route lists those of its access. */
export type AuthorizationRefusal =
  | 'INVALID_TOKEN'
  | 'INSTALLATION_DISABLED'
  | 'INSTALLATION_MISMATCH'
  | 'INVALID_FORMAT'
  | 'FLEET_CLOSED'
  | 'TOO_MANY_REQUESTS';

/** A refusal with what the audit trail needs: the installation whose credential was refused. */
type Decision = Caller | (Refused<AuthorizationRefusal> & { readonly installationId?: string | undefined });

/**
 * Decides whether the sender of a request may use the route (`access` in the contract), and as what. A network that presented too many
 * refused credentials gets 429 before its credential is looked up. Refusals are counted, logged and recorded in the audit trail.
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
  const credential = parseCredential(header);
  if (route.access === 'anyone' || credential === undefined)
    return decide(context, route, header, parameters);
  if (!guard.mayPresent(sender, credential))
    return refuse('TOO_MANY_REQUESTS', 'too many refused credentials came from this address');
  const decision = await decide(context, route, header, parameters);
  if (decision.kind !== 'refused') guard.noteAccepted(credential);
  else if (decision.refusal === 'INVALID_TOKEN')
    await guard.noteInvalid(sender, credential, decision.installationId);
  else if (decision.installationId !== undefined)
    await guard.noteRefused(sender, decision.installationId, decision.refusal);
  return decision;
}

async function decide(
  context: AppContext,
  route: Route,
  header: string | undefined,
  parameters: Readonly<Partial<Record<string, string>>>,
): Promise<Decision> {
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
): Promise<Decision> {
  return toCaller(await authenticate(store, parseBearer(header), purpose, wall()));
}

/** R63: "Central MUST answer both requests only for the token of that installation or the operator token." */
async function authorizeOwn(
  { store, wall, operatorToken }: AppContext,
  header: string | undefined,
  installationId: string | undefined,
): Promise<Decision> {
  if (!isInstallationId(installationId))
    return refuse('INVALID_FORMAT', 'the installation id must be 16 lowercase hex digits');
  if (judgeOperator(header, operatorToken) === 'operator') return { kind: 'operator', installationId };
  const caller = toCaller(await authenticate(store, parseBearer(header), 'read', wall()));
  // The same answer whether or not the other installation exists: a boat learns nothing about another one.
  if (caller.kind === 'boat' && caller.installationId !== installationId)
    return {
      ...refuse('INSTALLATION_MISMATCH', 'the token belongs to a different installation'),
      installationId: caller.installationId,
    };
  return caller;
}

function authorizeOperator({ operatorToken }: AppContext, header: string | undefined): Decision {
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
