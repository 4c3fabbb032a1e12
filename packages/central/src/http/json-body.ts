import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { UNLIMITED_REQUEST } from '../admission/admission.ts';
import type { Route } from '../api/route.ts';
import { receiveBody, type SentBody } from './body.ts';
import { type Refused, refuse } from './reply.ts';

/** A validated body, or the reason why it was refused. */
export type BodyCheck =
  | { readonly kind: 'checked'; readonly body: unknown }
  | Refused<'INVALID_FORMAT' | 'BODY_INCOMPLETE' | 'BODY_TOO_LARGE' | 'UNSUPPORTED_MEDIA_TYPE'>;

/** Returns the reader of a route's JSON body. The body is undefined if the route has none, or if its handler reads the body itself. */
export function createBodyReader({ body, bodySizeMaxBytes }: Route): (sent: SentBody) => Promise<BodyCheck> {
  if (body === undefined || bodySizeMaxBytes === undefined)
    return async () => ({ kind: 'checked', body: undefined });
  const check = Compile(body);
  return async (sent) => {
    const { raw } = sent;
    const mediaType = (raw.headers.get('Content-Type') ?? '').split(';')[0]?.trim().toLowerCase();
    // A form on another site cannot send this type without a preflight request, which central never allows.
    if (mediaType !== 'application/json')
      return refuse('UNSUPPORTED_MEDIA_TYPE', 'the body must be application/json');
    const received = await receiveBody(sent, bodySizeMaxBytes, UNLIMITED_REQUEST.upload);
    switch (received.kind) {
      case 'received':
        return toChecked(received.bytes, check);
      case 'too_large':
        return refuse('BODY_TOO_LARGE', `the body has more than ${bodySizeMaxBytes} bytes`);
      // An unlimited upload is neither refused nor evicted.
      case 'refused':
      case 'evicted':
      case 'incomplete':
        return refuse('BODY_INCOMPLETE', 'the body ended early');
    }
  };
}

function toChecked(bytes: Uint8Array, check: ReturnType<typeof Compile<TSchema>>): BodyCheck {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // The parser's message would quote the body, which may contain a password.
    return refuse('INVALID_FORMAT', 'the body is not JSON');
  }
  if (check.Check(body)) return { kind: 'checked', body };
  const [fault] = check.Errors(body);
  const member = fault?.instancePath.replace(/^\//, '') || 'the document';
  return refuse('INVALID_FORMAT', `${member} ${fault?.message ?? 'is not valid'}`);
}
