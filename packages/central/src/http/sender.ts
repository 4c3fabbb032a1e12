/** The address that a request came from, if central can determine it. */
export interface Sender {
  readonly address: string;
}

/** The sender of a request that did not arrive over a connection. */
export const UNKNOWN_SENDER: Sender = { address: 'unknown' };

/**
 * Returns the sender of a request. `X-Forwarded-For` is used only if the connection comes from one of the operator's proxies.
 * Only its last entry is used, because the proxy wrote that one; a client can forge the others.
 */
export function toSender(
  remoteAddress: string | undefined,
  forwardedFor: string | null,
  trustedProxies: readonly string[],
): Sender {
  const address = remoteAddress?.replace(/^::ffff:/i, '');
  if (address === undefined) return UNKNOWN_SENDER;
  if (forwardedFor === null || !trustedProxies.includes(address)) return { address };
  const last = forwardedFor.slice(forwardedFor.lastIndexOf(',') + 1).trim();
  return /^[0-9a-f.:]{2,45}$/i.test(last) ? { address: last } : { address };
}
