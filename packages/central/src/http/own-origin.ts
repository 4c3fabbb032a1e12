import { type Channel, isLocalHost } from './session-cookie.ts';

/**
 * A header that a form or a link cannot send. A script from another origin can send it only after a preflight request, which
 * central refuses.
 */
const SCRIPT_HEADER = 'X-Requested-With';

/**
 * Returns the channel of a request sent by central's own page, otherwise undefined. A logged-in browser sends its cookie with
 * every request to central, no matter which page caused the request. Therefore, a request that has a cookie and changes something
 * needs both central's own `Origin` and a header that only a script from this origin can send. `SameSite=Strict` alone would
 * admit other hosts of the same domain. A CSRF token in the page would add state but no protection, because central allows no
 * other origin (decision 0038). Passwords and cookies are sent over plain HTTP only within one machine.
 */
export function findOwnChannel(request: Request): Channel | undefined {
  const origin = request.headers.get('Origin');
  if ((request.headers.get(SCRIPT_HEADER) ?? '') === '') return undefined;
  if (isFromAnotherSite(request) || request.headers.get('Sec-Fetch-Site') === 'none') return undefined;
  const { host, hostname } = new URL(request.url);
  if (origin === `https://${host}`) return 'https';
  return origin === `http://${host}` && isLocalHost(hostname) ? 'local' : undefined;
}

/**
 * True if the browser reports that the request was caused by a page on another site, or on another host or port of this site.
 * `none` means that the user typed the address. Browsers before 2023 and other programs do not send the header.
 */
export function isFromAnotherSite(request: Request): boolean {
  const fetchSite = request.headers.get('Sec-Fetch-Site');
  return fetchSite !== null && fetchSite !== 'same-origin' && fetchSite !== 'none';
}
