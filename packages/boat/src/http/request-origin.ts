/** The result of the origin check. `corsOrigin` is the origin that needs CORS headers in order to read the answer. */
export type OriginCheck =
  | { readonly kind: 'allowed'; readonly corsOrigin?: string }
  | { readonly kind: 'refused'; readonly message: string };

const OWN_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

function hostName(host: string): string {
  return host.replace(/:[0-9]{1,5}$/, '').toLowerCase();
}

/**
 * Checks where a request comes from. The API serves pages and programs on this boat and refuses all other sites. A DNS rebinding
 * attack sends a foreign `Host`. A form or script on another site sends a foreign `Origin`. Programs send no `Origin`. With
 * `embedding` `same_site`, pages on other ports of this boat may load the answer as a script.
 */
export function checkRequestOrigin(
  requestHosts: readonly string[],
  origin: string | undefined,
  port: number,
  allowedOrigins: readonly string[],
  fetchSite?: string,
  embedding: 'none' | 'same_site' = 'none',
): OriginCheck {
  const hosts = new Set([
    ...OWN_HOSTS,
    ...allowedOrigins.map((allowed) => hostName(allowed.replace(/^https?:\/\//, ''))),
  ]);
  if (!requestHosts.every((host) => hosts.has(hostName(host))))
    return { kind: 'refused', message: "This address is not one of the boat's own" };
  // An image or script tag sends no Origin, but browsers mark such requests with Sec-Fetch-Site. To a browser, all ports on this
  // boat are the same site, so `same-site` is refused as well, because the page may belong to another service. `none` means that
  // the user typed the address.
  if (origin === undefined && fetchSite !== undefined && !['same-origin', 'none'].includes(fetchSite))
    if (embedding === 'none' || fetchSite !== 'same-site')
      return {
        kind: 'refused',
        message: 'Pages on other sites and ports are not allowed to use the export manager',
      };
  if (origin === undefined) return { kind: 'allowed' };
  if (allowedOrigins.includes(origin)) return { kind: 'allowed', corsOrigin: origin };
  if (OWN_HOSTS.some((own) => origin === `http://${own}:${port}`)) return { kind: 'allowed' };
  return { kind: 'refused', message: 'Pages on other sites are not allowed to use the export manager' };
}
