import { parse, serialize } from 'hono/utils/cookie';
import { SESSION_MAX_MS } from '../operators/policy.ts';

/**
 * The session cookie over HTTPS. A browser accepts this prefix only with `Secure`, for `/` and without a domain, so neither a
 * page loaded over plain HTTP nor another host of the same domain can set it (RFC 6265bis).
 */
const SECURE_NAME = '__Host-d3kos_session';
/**
 * The session cookie for a browser on central's own machine. There is no TLS there, and no other host of the same domain.
 */
const LOCAL_NAME = 'd3kos_session';

/** The format of a session ID. */
const SESSION_ID = /^[A-Za-z0-9_-]{43}$/;

/** How the browser reaches central: over HTTPS, or over plain HTTP on the same machine. */
export type Channel = 'https' | 'local';

/** True if the host name is the local machine's. */
export function isLocalHost(hostname: string): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

/**
 * Returns the session ID in a request's cookies, or undefined. The name without the prefix is accepted only on this machine, and
 * only if it occurs once, because a program on another port of this machine could have set a second one.
 */
export function parseSessionCookie(request: Request): string | undefined {
  const header = request.headers.get('Cookie') ?? '';
  const name =
    isLocalHost(new URL(request.url).hostname) && !has(header, SECURE_NAME) ? LOCAL_NAME : SECURE_NAME;
  if (header.split(';').filter((pair) => pair.trim().startsWith(`${name}=`)).length > 1) return undefined;
  const value = parse(header, name)[name];
  return value !== undefined && SESSION_ID.test(value) ? value : undefined;
}

function has(header: string, name: string): boolean {
  return Object.hasOwn(parse(header, name), name);
}

/** Returns the `Set-Cookie` header for a new session. */
export function toSessionCookie(sessionId: string, channel: Channel): string {
  return toCookie(sessionId, channel, SESSION_MAX_MS / 1_000);
}

/** Returns the `Set-Cookie` header that removes the session cookie. */
export function toEndedCookie(channel: Channel): string {
  return toCookie('', channel, 0);
}

function toCookie(value: string, channel: Channel, maxAge: number): string {
  const options = { path: '/', httpOnly: true, sameSite: 'Strict', maxAge } as const;
  return channel === 'https'
    ? serialize(SECURE_NAME, value, { ...options, secure: true })
    : serialize(LOCAL_NAME, value, options);
}
