import { createHash, timingSafeEqual } from 'node:crypto';
import { parseBearer } from '../installations/policy.ts';

/** Who asks: the operator, nobody, or anybody while no operator token is set. */
export type OperatorVerdict = 'operator' | 'stranger' | 'unset';

/** Judges an Authorization header against the operator's token: as bearer, or as the password of HTTP Basic under any name. */
export function judgeOperator(header: string | null, operatorToken: string | undefined): OperatorVerdict {
  if (operatorToken === undefined) return 'unset';
  const presented = parseBearer(header ?? undefined) ?? parseBasicPassword(header);
  return presented !== undefined && isSameSecret(presented, operatorToken) ? 'operator' : 'stranger';
}

function parseBasicPassword(header: string | null): string | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=]{1,1024}) *$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const decoded = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return colon === -1 ? undefined : decoded.slice(colon + 1);
}

/** Compares digests, which have one length, in time that does not depend on where they differ. */
function isSameSecret(presented: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(presented), digest(expected));
}
