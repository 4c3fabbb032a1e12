/** The credential that authenticated a sender: a device token, identified by its digest, or an installation ID. */
export type Credential =
  { readonly kind: 'device_token'; readonly sha256: string } | { readonly kind: 'installation_id' };

/**
 * Returns an SQL condition that is true while a credential is valid. `digest` and `now` are the parameters of
 * `toCredentialParameters`. `i` is the row of the installation, and `t` is the left-joined row of the token.
 */
export function isCredentialValidSql(digest: string, now: string): string {
  return `case when ${digest}::text is null then i.is_id_token
    else t.issued_at is not null and not ${isTokenEndedSql(now)} end`;
}

/** Returns an SQL condition, never null, that is true if the token `t` was revoked or has expired at the parameter `now`. */
export function isTokenEndedSql(now: string): string {
  return `(t.revoked_at is not null or coalesce(t.expires_at <= ${now}::timestamptz, false))`;
}

/** Returns the two parameters of `isCredentialValidSql`: the digest of the token, or null, and the current time. */
export function toCredentialParameters(
  credential: Credential,
  wallMs: number,
): readonly [sha256: string | null, now: string] {
  return [credential.kind === 'device_token' ? credential.sha256 : null, new Date(wallMs).toISOString()];
}
