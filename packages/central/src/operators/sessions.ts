import { hash } from 'node:crypto';
import type { Queryable } from '../platform/ports.ts';
import { textOf, utcText } from '../store/row.ts';
import { toRole } from './accounts.ts';
import { type Role, SESSION_IDLE_MAX_MS, SESSION_MAX_MS, SESSION_USE_EXACT_MS } from './policy.ts';

/** A session that has not ended. */
export interface Session {
  readonly sha256: string;
  readonly name: string;
  readonly role: Role;
  /** When the session ends at the latest. It ends earlier if it is idle for too long. */
  readonly expiresAt: string;
}

/** Returns the digest under which a session is stored. */
export function toSessionDigest(sessionId: string): string {
  return hash('sha256', sessionId);
}

/**
 * Returns the session of a cookie with the account's current role, or undefined if the session has ended. Records the time of use
 * to the minute.
 */
export async function findSession(
  store: Queryable,
  sessionId: string,
  wallMs: number,
): Promise<Session | undefined> {
  const sha256 = toSessionDigest(sessionId);
  const [row] = await store.query(
    `select s.operator_name, o.role, ${utcText('s.created_at')} as created_at_text,
       ${utcText('s.last_used_at')} as last_used_at_text
     from operator_sessions s join operators o on o.name = s.operator_name
     where s.session_sha256 = $1::text and s.created_at > $2::timestamptz and s.last_used_at > $3::timestamptz`,
    [sha256, ...toOldest(wallMs)],
  );
  if (row === undefined) return undefined;
  if (Date.parse(textOf(row, 'last_used_at_text')) <= wallMs - SESSION_USE_EXACT_MS)
    await store.query(
      'update operator_sessions set last_used_at = $2::timestamptz where session_sha256 = $1::text',
      [sha256, new Date(wallMs).toISOString()],
    );
  return {
    sha256,
    name: textOf(row, 'operator_name'),
    role: toRole(textOf(row, 'role')),
    expiresAt: new Date(Date.parse(textOf(row, 'created_at_text')) + SESSION_MAX_MS).toISOString(),
  };
}

/** Ends a session. Ending it again changes nothing. */
export async function endSession(tx: Queryable, sha256: string): Promise<void> {
  await tx.query('delete from operator_sessions where session_sha256 = $1::text', [sha256]);
}

/** Removes the rows of expired sessions. */
export async function removeEndedSessions(tx: Queryable, wallMs: number): Promise<void> {
  await tx.query(
    'delete from operator_sessions where created_at <= $1::timestamptz or last_used_at <= $2::timestamptz',
    toOldest(wallMs),
  );
}

/** Returns two times. A session has ended if it began before the first time or was last used before the second. */
function toOldest(wallMs: number): readonly [created: string, used: string] {
  return [
    new Date(wallMs - SESSION_MAX_MS).toISOString(),
    new Date(wallMs - SESSION_IDLE_MAX_MS).toISOString(),
  ];
}
