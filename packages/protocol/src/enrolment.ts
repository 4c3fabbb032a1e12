import { type Static, Type } from 'typebox';
import { BUNDLE_KEY_PATTERN } from './bundle.ts';
import { INSTALLATION_ID_PATTERN } from './installation.ts';

/** The route that redeems an enrolment code (docs/spec/protocol.md R93). */
export const ENROL_PATH = '/api/v1/enrolments';

/**
 * The characters of an enrolment code: Crockford's base 32, without I, L, O and U. None of them is easily confused with another
 * when a code is read aloud or copied from a note.
 */
export const CODE_ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Number of characters in an enrolment code: 50 random bits. */
export const CODE_LENGTH = 10;

const codePattern = new RegExp(`^[${CODE_ALPHABET}]{${CODE_LENGTH}}$`);

/**
 * Normalises a code that a person typed. Returns undefined if the text is not a code. Accepts lower case, spaces, hyphens, and
 * letters that look like digits: I and L count as 1, and O as 0.
 */
export function parseEnrolmentCode(text: string): string | undefined {
  const code = text.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll(/[IL]/g, '1').replaceAll('O', '0');
  return codePattern.test(code) ? code : undefined;
}

/** Formats a code for people: two groups of five characters. */
export function toSpokenCode(code: string): string {
  return `${code.slice(0, CODE_LENGTH / 2)}-${code.slice(CODE_LENGTH / 2)}`;
}

/**
 * The body that redeems a code. The boat creates its own device token and sends only the digest, so it can
 * repeat the request after a lost answer, and no answer contains a token (R93, R94).
 */
export const EnrolmentRequestSchema = Type.Object(
  {
    /** As a person typed it. */
    code: Type.String({ maxLength: 40 }),
    /** Hex SHA-256 of the device token in ASCII. */
    token_sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    /** The installation ID of the boat. Without it, the boat adopts the ID in the answer. */
    installation_id: Type.Optional(Type.String({ pattern: INSTALLATION_ID_PATTERN })),
    /** The public half of the boat's bundle key. */
    bundle_key: Type.Optional(Type.String({ pattern: BUNDLE_KEY_PATTERN })),
  },
  { additionalProperties: false },
);
export type EnrolmentRequest = Static<typeof EnrolmentRequestSchema>;

/** The answer to a redeemed code. */
export const EnrolmentSchema = Type.Object({
  status: Type.Literal('success'),
  installation_id: Type.String({ pattern: INSTALLATION_ID_PATTERN }),
  /** The token's ID at central. */
  token_id: Type.String(),
  /** When the token expires, or null. */
  expires_at: Type.Union([Type.String(), Type.Null()]),
});
export type Enrolment = Static<typeof EnrolmentSchema>;
