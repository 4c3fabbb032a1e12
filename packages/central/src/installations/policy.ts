/** What central has stored about a presented credential. */
export type CredentialFacts =
  /** `isEnded`: the token was revoked or has expired. */
  | { readonly kind: 'device_token'; readonly isEnded: boolean; readonly isDisabled: boolean }
  /** An older boat presents its installation ID as its token. */
  | { readonly kind: 'installation_id'; readonly isAllowed: boolean; readonly isDisabled: boolean };

/** What a boat presents its credential for. */
export type Purpose = 'import' | 'read';

/** Whether a credential authenticates its installation. Central answers `invalid` with 401 and `disabled` with 403. */
export type CredentialVerdict = 'accepted' | 'disabled' | 'invalid';

/**
 * Judges a credential. Undefined facts mean that the credential is not stored. A revoked or expired token must reveal nothing
 * about its installation, so it is `invalid` even if the installation is disabled (docs/spec/protocol.md R7, R8).
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
      // installation." The ID is not secret, because screens and QR codes show it.
      return facts.isAllowed && purpose === 'import';
  }
}

/**
 * Returns the credential of an `Authorization: Bearer` header (RFC 6750), or undefined if there is none. The scheme is
 * case-insensitive (RFC 9110).
 */
export function parseBearer(header: string | undefined): string | undefined {
  return /^bearer +([A-Za-z0-9._~+/=-]{1,512}) *$/i.exec(header ?? '')?.[1];
}

/**
 * Number of characters in a token ID. A boat has few tokens, so their IDs do not collide, and an ID reveals nothing about its
 * token.
 */
export const TOKEN_ID_LENGTH = 12;

/** Returns a token's ID: the first characters of its digest. */
export function toTokenId(sha256: string): string {
  return sha256.slice(0, TOKEN_ID_LENGTH);
}

/**
 * Number of refused credentials that one address may present in a burst. The burst allows for typing errors and for a harbour
 * full of boats with old tokens.
 */
const FAILURES_BURST = 20;

/** Sustained rate at which one address may present refused credentials, per second. */
const FAILURES_PER_S = 1 / 3;

/** One address's refused credentials that have not expired. */
export interface Failures {
  readonly count: number;
  readonly atMs: number;
}

/** Returns the failures that have not expired at `nowMs`. */
export function toPresentFailures({ count, atMs }: Failures, nowMs: number): number {
  return Math.max(0, count - ((nowMs - atMs) / 1_000) * FAILURES_PER_S);
}

/** True if an address with these failures may present another unknown credential. */
export function mayPresent(presentFailures: number): boolean {
  return presentFailures < FAILURES_BURST;
}

/**
 * Returns the network to which limits apply: an IPv4 address, even if it is written as IPv6, or the /64 prefix of an IPv6
 * address, which belongs to one customer.
 */
export function toLimitedNetwork(address: string): string {
  const v4 = /^(?:::ffff:)?(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const groups = [...first, ...Array.from({ length: zeros }, () => '0'), ...last];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`;
}

/** What central has stored about an enrolment code and about the token that a boat presents with it. */
export interface CodeFacts {
  readonly installationId: string;
  readonly isDisabled: boolean;
  readonly isExpired: boolean;
  /** Digest of the token that redeemed the code. Null if the code is not redeemed. */
  readonly redeemedBySha256: string | null;
  /** Whether central already holds the presented token. `ended` means that it was revoked or has expired. */
  readonly presentedToken: 'unknown' | 'valid' | 'ended';
}

/** `repeat`: the same boat sends its request again because the answer was lost. `mismatch`: the code belongs to another boat. */
export type CodeVerdict = 'redeem' | 'repeat' | 'invalid' | 'disabled' | 'mismatch';

/**
 * Judges a request to redeem a code (docs/spec/protocol.md R94, R95). A token that central already holds cannot redeem another
 * code, because it could be another boat's token.
 */
export function judgeCode(
  { installationId, isDisabled, isExpired, redeemedBySha256, presentedToken }: CodeFacts,
  request: { readonly token_sha256: string; readonly installation_id?: string },
): CodeVerdict {
  const isValid =
    redeemedBySha256 === null
      ? !isExpired && presentedToken === 'unknown'
      : redeemedBySha256 === request.token_sha256 && presentedToken === 'valid';
  if (!isValid) return 'invalid';
  // R98: "Redeeming a code MUST NOT enable a disabled installation."
  if (isDisabled) return 'disabled';
  if (request.installation_id !== undefined && request.installation_id !== installationId) return 'mismatch';
  return redeemedBySha256 === null ? 'redeem' : 'repeat';
}
