import { createHash, timingSafeEqual } from 'node:crypto';
import { parseBearer } from '../installations/policy.ts';

/** With `unset`, central has no operator token, so no request comes from the operator. */
export type OperatorVerdict = 'operator' | 'refused' | 'unset';

/** Judges an Authorization header against the operator token, given as bearer token or as HTTP Basic password under any name. */
export function judgeOperator(
  header: string | undefined,
  operatorToken: string | undefined,
): OperatorVerdict {
  if (operatorToken === undefined) return 'unset';
  const presented = parseCredential(header);
  return presented !== undefined && isSameSecret(presented, operatorToken) ? 'operator' : 'refused';
}

/** Returns the secret of an Authorization header: a bearer token, or an HTTP Basic password under any name. */
export function parseCredential(header: string | undefined): string | undefined {
  return parseBearer(header) ?? parseBasicPassword(header);
}

function parseBasicPassword(header: string | undefined): string | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=]{1,1024}) *$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const decoded = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return colon === -1 ? undefined : decoded.slice(colon + 1);
}

/** Compares digests, which have equal lengths, in a time that does not depend on the first difference. */
function isSameSecret(presented: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(presented), digest(expected));
}
