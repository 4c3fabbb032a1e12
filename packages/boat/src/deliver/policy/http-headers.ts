import { CONTENT_CODINGS, type ContentCoding } from '@d3kos/protocol';

/**
 * Returns the wait that a `Retry-After` header requests, in milliseconds from `nowWallMs`, or undefined if the value has neither
 * of the forms in RFC 9110 §10.2.3. For a date, pass the answer's own `Date` as `nowWallMs`, because the boat's clock may be
 * wrong.
 */
export function parseRetryAfter(value: string, nowWallMs: number): number | undefined {
  const text = value.trim();
  if (/^[0-9]{1,12}$/.test(text)) return Number(text) * 1000;
  const atMs = parseHttpDate(text);
  return atMs === undefined ? undefined : Math.max(0, atMs - nowWallMs);
}

/** Parses an HTTP date (RFC 9110 §5.6.7, the form that senders must generate). Returns undefined for any other string. */
export function parseHttpDate(value: string): number | undefined {
  if (!/^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/.test(value))
    return undefined;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : atMs;
}

/**
 * Returns the codings that an answer's `Accept-Encoding` offers (RFC 9110 §12.5.3), in the order of CONTENT_CODINGS. A coding
 * with `q=0` is not offered.
 */
export function parseAcceptEncoding(header: string | null): readonly ContentCoding[] {
  if (header === null) return [];
  const offered = header
    .toLowerCase()
    .split(',')
    .map((member) => member.split(';').map((piece) => piece.trim()))
    .filter(([, ...parameters]) => !parameters.some((parameter) => /^q=0(\.0{0,3})?$/.test(parameter)))
    .map(([coding]) => coding);
  return CONTENT_CODINGS.filter((coding) => offered.includes(coding));
}
