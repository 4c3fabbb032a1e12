/** The address that a request came from, as far as central can know it. */
export interface Sender {
  readonly address: string;
}

/** The sender of a request that came over no connection. */
export const UNKNOWN_SENDER: Sender = { address: 'unknown' };

/**
 * Returns the sender of a request. The header `X-Forwarded-For` counts only if the connection comes from a proxy of the operator, and
 * only its last entry, which that proxy wrote. A client can write the others itself.
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
