/** TLS failures that mean another machine answered under central's name, as a captive portal does. */
const FOREIGN_CERTIFICATE_CODES: readonly string[] = [
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];

/** The failure when the boat's clock is behind. Certificates are not issued for the future. */
const NOT_YET_VALID_CODE = 'CERT_NOT_YET_VALID';
const EXPIRED_CODE = 'CERT_HAS_EXPIRED';

/**
 * The cause of a failed TLS handshake: the boat's clock, another machine under central's name, or the link. If a time service
 * has set the boat's clock, an expired certificate is central's fault.
 */
export function explainTlsFailure(
  code: string,
  clockSynchronized: boolean,
): { readonly destination: 'offline' | 'captive_portal' | 'clock_wrong'; readonly detail: string } {
  if (code === NOT_YET_VALID_CODE || (code === EXPIRED_CODE && !clockSynchronized))
    return {
      destination: 'clock_wrong',
      detail: `The certificate's dates do not fit this boat's clock (${code})`,
    };
  if (code === EXPIRED_CODE)
    return { destination: 'offline', detail: `Central's certificate has expired (${code})` };
  if (FOREIGN_CERTIFICATE_CODES.includes(code))
    return {
      destination: 'captive_portal',
      detail: `Another machine answers under central's name (${code})`,
    };
  return { destination: 'offline', detail: `No secure connection (${code})` };
}
