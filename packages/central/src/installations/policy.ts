/** What the store knows of a presented credential. */
export interface CredentialFacts {
  readonly isRevoked: boolean;
  readonly isDisabled: boolean;
}

/** Whether a credential opens its installation: `invalid` is answered 401, `disabled` 403 (docs/spec/protocol.md R7, R8). */
export type CredentialVerdict = 'accepted' | 'disabled' | 'invalid';

/** Judges a credential; undefined facts: nobody was ever given it. A revoked token says nothing about its installation. */
export function judgeCredential(facts: CredentialFacts | undefined): CredentialVerdict {
  if (facts === undefined || facts.isRevoked) return 'invalid';
  return facts.isDisabled ? 'disabled' : 'accepted';
}

/** The credential of an `Authorization: Bearer` header, or undefined where there is none. RFC 6750, with the scheme in any case (RFC 9110). */
export function parseBearer(header: string | undefined): string | undefined {
  return /^bearer +([A-Za-z0-9._~+/=-]{1,512}) *$/i.exec(header ?? '')?.[1];
}
