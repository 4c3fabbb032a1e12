/** The certificate is for a different name, which is usual behind a captive portal. */
const OTHER_NAME_CODE = 'ERR_TLS_CERT_ALTNAME_INVALID';

/** The server sent its own certificate without the intermediate one, so the chain to a certificate authority is incomplete. */
const INCOMPLETE_CHAIN_CODE = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';

/** The chain ends at an authority that this boat does not trust. */
const UNKNOWN_AUTHORITY_CODES: readonly string[] = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
];

/** The failure that occurs when the boat's clock is behind. Certificates are not issued for the future. */
const NOT_YET_VALID_CODE = 'CERT_NOT_YET_VALID';
const EXPIRED_CODE = 'CERT_HAS_EXPIRED';

/**
 * Determines the cause of a failed TLS handshake: the boat's clock, another machine under central's name, a certificate that this
 * boat cannot verify, or the link. If a time service has set the boat's clock, an expired certificate is central's fault. If a
 * certificate is for a different name, the transport reports that even if the chain is also invalid (see `toTransportError` in
 * platform/transport.ts), so all other codes mean that the certificate is for central's name.
 */
export function explainTlsFailure(
  code: string,
  clockSynchronized: boolean,
): {
  readonly destination: 'offline' | 'captive_portal' | 'untrusted' | 'clock_wrong';
  readonly detail: string;
} {
  if (code === NOT_YET_VALID_CODE || (code === EXPIRED_CODE && !clockSynchronized))
    return {
      destination: 'clock_wrong',
      detail: `The certificate's dates do not match this boat's clock (${code})`,
    };
  if (code === EXPIRED_CODE)
    return { destination: 'offline', detail: `Central's certificate has expired (${code})` };
  if (code === OTHER_NAME_CODE)
    return {
      destination: 'captive_portal',
      detail: `Another machine answers under central's name (${code})`,
    };
  if (code === INCOMPLETE_CHAIN_CODE)
    return {
      destination: 'untrusted',
      detail: `The server does not send its intermediate certificate (${code}). Its operator must configure the full certificate chain`,
    };
  if (UNKNOWN_AUTHORITY_CODES.includes(code))
    return {
      destination: 'untrusted',
      detail: `This boat does not trust the authority that signed the certificate (${code}). Either central has a private authority, whose certificate must be added with NODE_EXTRA_CA_CERTS, or this network decrypts TLS connections`,
    };
  return { destination: 'offline', detail: `No secure connection (${code})` };
}
