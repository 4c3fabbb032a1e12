/** The stored facts about a presented credential. */
export type CredentialFacts =
  /** `isEnded`: the token was revoked or has expired. */
  | { readonly kind: 'device_token'; readonly isEnded: boolean; readonly isDisabled: boolean }
  /** An older boat presents its installation id as its token. */
  | { readonly kind: 'installation_id'; readonly isAllowed: boolean; readonly isDisabled: boolean };

/** The purpose for which a boat presents its credential. */
export type Purpose = 'import' | 'read';

/** Whether a credential authenticates its installation: `invalid` is answered with 401, `disabled` with 403. */
export type CredentialVerdict = 'accepted' | 'disabled' | 'invalid';

/**
 * Judges a credential; undefined facts mean that the store does not hold it. A revoked or expired token reveals nothing about its
 * installation, so it is `invalid` for a disabled one too (docs/spec/protocol.md R7, R8).
 */
export function judgeCredential(facts: CredentialFacts | undefined, purpose: Purpose): CredentialVerdict {
  if (facts === undefined || !isValid(facts, purpose)) return 'invalid';
  return facts.isDisabled ? 'disabled' : 'accepted';
}

function isValid(facts: CredentialFacts, purpose: Purpose): boolean {
  switch (facts.kind) {
    case 'device_token':
      return !facts.isEnded;
    case 'installation_id':
      // R10: "Central MUST accept an installation ID as a token only for imports and only if the operator allowed it for that
      // installation." The id is not secret, because screens and QR codes show it.
      return facts.isAllowed && purpose === 'import';
  }
}

/**
 * Returns the credential of an `Authorization: Bearer` header (RFC 6750), or undefined without one. The scheme may be in upper or
 * lower case (RFC 9110).
 */
export function parseBearer(header: string | undefined): string | undefined {
  return /^bearer +([A-Za-z0-9._~+/=-]{1,512}) *$/i.exec(header ?? '')?.[1];
}
