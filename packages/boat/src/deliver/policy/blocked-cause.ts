/**
 * Why nothing can be sent until the owner or the operator acts.
 *
 * - `no_address`, `no_token`, `token_file`: the boat lacks central's address or a token, or cannot read the token file.
 * - `token`, `other_boat`, `disabled`: the token is unknown to central or belongs to another installation, or this boat is
 *   disabled.
 * - `address`: a server answers at the address, but does not accept exports.
 * - `diverged`: central has other exports under this boat's sequences.
 * - `other`: any other refusal.
 */
export type BlockedCause =
  | 'no_address'
  | 'no_token'
  | 'token_file'
  | 'token'
  | 'other_boat'
  | 'disabled'
  | 'address'
  | 'diverged'
  | 'other';

/** Returns the cause of a block. `status` is the HTTP status of central's refusal, or 0 if something is missing on the boat. */
export function toBlockedCause({
  status,
  errorCode,
}: {
  readonly status: number;
  readonly errorCode: string;
}): BlockedCause {
  switch (errorCode) {
    case 'CONFIG_INVALID':
      return 'no_address';
    case 'CREDENTIALS_MISSING':
      return 'no_token';
    case 'CREDENTIALS_INVALID':
      return 'token_file';
    case 'INSTALLATION_MISMATCH':
      return 'other_boat';
    case 'LEDGER_DIVERGED':
      return 'diverged';
    default:
      return toCauseOfStatus(status);
  }
}

function toCauseOfStatus(status: number): BlockedCause {
  switch (status) {
    case 401:
      return 'token';
    case 403:
      return 'disabled';
    case 404:
    case 405:
    case 426:
      return 'address';
    default:
      return 'other';
  }
}
