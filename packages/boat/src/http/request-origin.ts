/** The result of the origin check. `corsOrigin` is the origin that needs CORS headers to read the response. */
export type OriginCheck =
  | { readonly kind: 'allowed'; readonly corsOrigin?: string }
  | { readonly kind: 'refused'; readonly message: string };

const OWN_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

function hostName(host: string): string {
  return host.replace(/:[0-9]{1,5}$/, '').toLowerCase();
}

/**
 * Checks where a request comes from. The API serves pages and programs on this boat and refuses all other sites. A DNS
 * rebinding page sends a foreign `Host`. A form or script of another site sends a foreign `Origin`. Programs send no `Origin`.
 */
export function checkRequestOrigin(
  host: string | undefined,
  origin: string | undefined,
  port: number,
  allowedOrigins: readonly string[],
  fetchSite?: string,
): OriginCheck {
  const hosts = new Set([
    ...OWN_HOSTS,
    ...allowedOrigins.map((allowed) => hostName(allowed.replace(/^https?:\/\//, ''))),
  ]);
  if (host === undefined || !hosts.has(hostName(host)))
    return { kind: 'refused', message: "This address is not one of the boat's own" };
  // An image or script tag on another site sends no Origin. Browsers mark such requests with Sec-Fetch-Site.
  if (origin === undefined && fetchSite === 'cross-site')
    return { kind: 'refused', message: 'Pages of other sites may not use the export manager' };
  if (origin === undefined) return { kind: 'allowed' };
  if (allowedOrigins.includes(origin)) return { kind: 'allowed', corsOrigin: origin };
  if (OWN_HOSTS.some((own) => origin === `http://${own}:${port}`)) return { kind: 'allowed' };
  return { kind: 'refused', message: 'Pages of other sites may not use the export manager' };
}
