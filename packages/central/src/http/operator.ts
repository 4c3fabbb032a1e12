import { createHash, timingSafeEqual } from 'node:crypto';
import { parseBearer } from '../installations/policy.ts';
import type { Role } from '../operators/policy.ts';
import { findSession, type Session } from '../operators/sessions.ts';
import type { AppContext } from './context.ts';
import { isFromAnotherSite } from './own-origin.ts';
import { parseSessionCookie } from './session-cookie.ts';

/** The audit trail's actor for requests with the operator token. */
const OPERATOR_TOKEN_ACTOR = 'operator token';

/** The operator who sent a request: an account with a session, or anyone who has the operator token. */
export interface Operator {
  /** Identifies the operator in the audit trail. */
  readonly actor: string;
  readonly role: Role;
  /** Undefined for the operator token. */
  readonly session: Session | undefined;
}

/**
 * Returns the operator who sent a request, or undefined. If there is an `Authorization` header, cookies are ignored. HTTP Basic
 * is not accepted, because a browser that has the password also sends it with requests from other origins. A read request caused
 * by a page on another site has no operator. Such a page could not read the answer, but could make central do expensive work.
 */
export async function findOperator(
  { store, wall, operatorToken }: AppContext,
  request: Request,
): Promise<Operator | undefined> {
  const header = request.headers.get('Authorization') ?? undefined;
  if (header !== undefined) {
    const presented = parseBearer(header);
    return presented !== undefined && operatorToken !== undefined && isSameSecret(presented, operatorToken)
      ? { actor: OPERATOR_TOKEN_ACTOR, role: 'admin', session: undefined }
      : undefined;
  }
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (isRead && isFromAnotherSite(request)) return undefined;
  const sessionId = parseSessionCookie(request);
  if (sessionId === undefined) return undefined;
  const session = await findSession(store, sessionId, wall());
  return session === undefined ? undefined : { actor: session.name, role: session.role, session };
}

/** Compares digests of equal length in constant time. */
function isSameSecret(presented: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(presented), digest(expected));
}
