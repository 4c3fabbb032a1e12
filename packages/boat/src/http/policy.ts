import type { ExportErrorCode } from '../platform/errors.ts';

/** Whose requests are answered: pages of this boat, and programs on it. */
export type Admission =
  | { readonly kind: 'admitted'; readonly corsOrigin?: string }
  | { readonly kind: 'refused'; readonly message: string };

const OWN_HOSTS = ['localhost', '127.0.0.1', '[::1]'];

function hostName(host: string): string {
  return host.replace(/:[0-9]{1,5}$/, '').toLowerCase();
}

/**
 * Admits a request by its `Host` and `Origin`: a page of another site that makes the browser connect here (DNS rebinding)
 * has another Host, and a form or script of another site has another Origin. Programs send no Origin.
 */
export function admit(
  host: string | undefined,
  origin: string | undefined,
  port: number,
  allowedOrigins: readonly string[],
  fetchSite?: string,
): Admission {
  const hosts = new Set([
    ...OWN_HOSTS,
    ...allowedOrigins.map((allowed) => hostName(allowed.replace(/^https?:\/\//, ''))),
  ]);
  if (host === undefined || !hosts.has(hostName(host)))
    return { kind: 'refused', message: "This address is not one of the boat's own" };
  // A picture or script that another site includes sends no Origin, but browsers say where it comes from.
  if (origin === undefined && fetchSite === 'cross-site')
    return { kind: 'refused', message: 'Pages of other sites may not use the export manager' };
  if (origin === undefined) return { kind: 'admitted' };
  if (allowedOrigins.includes(origin)) return { kind: 'admitted', corsOrigin: origin };
  if (OWN_HOSTS.some((own) => origin === `http://${own}:${port}`)) return { kind: 'admitted' };
  return { kind: 'refused', message: 'Pages of other sites may not use the export manager' };
}

/** The HTTP status of each code: 4xx where the request or the boat's state refuses, 5xx where the world failed. */
export function toHttpStatus(code: ExportErrorCode): 400 | 403 | 404 | 409 | 500 | 503 | 507 {
  switch (code) {
    case 'REQUEST_INVALID':
    case 'CONFIG_INVALID':
      return 400;
    case 'TIER_TOO_LOW':
    case 'REQUEST_FORBIDDEN':
    case 'INSTALLATION_ID_INVALID':
    case 'LICENSE_MISSING':
    case 'LICENSE_INVALID':
    case 'TIER_UNKNOWN':
      return 403;
    case 'ENTRY_NOT_FOUND':
    case 'NOT_FOUND':
    case 'EXPORT_FILE_MISSING':
      return 404;
    case 'ENTRY_STATE':
    case 'ALREADY_RUNNING':
      return 409;
    case 'DISK_FULL':
    case 'DISK_RESERVE':
      return 507;
    case 'DISK_READ_ONLY':
    case 'DAEMON_UNREACHABLE':
    case 'BUSY':
    case 'CREDENTIALS_MISSING':
    case 'CREDENTIALS_INVALID':
      return 503;
    case 'CONFIG_UNREADABLE':
    case 'DISK_FAILED':
    case 'FILE_TOO_LARGE':
    case 'LEDGER_FAILED':
    case 'LEDGER_NOT_DURABLE':
    case 'LEDGER_TOO_NEW':
    case 'PORT_IN_USE':
    case 'EXPORT_FILE_DAMAGED':
    case 'INTERNAL':
      return 500;
    default:
      return code satisfies never;
  }
}
