import {
  CentralErrorSchema,
  type Health,
  HealthSchema,
  MISSING_SEQUENCES_MAX,
  type Receipt,
  ReceiptSchema,
} from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import { toPlainText } from '../../platform/plain-text.ts';
import type { NotCentralReason } from '../outcome.ts';

/** Maximum length of central's message, in characters, that an outcome carries into the ledger and onto the page. */
const MESSAGE_LENGTH_MAX = 500;

const receiptShape = Compile(ReceiptSchema);
const refusalShape = Compile(CentralErrorSchema);
const healthShape = Compile(HealthSchema);

/** An answer to a part that was sent. */
export interface PartAnswer {
  readonly status: number;
  /** The redirect's target host. */
  readonly redirectHost: string;
  readonly contentType: string | undefined;
  readonly body:
    | { readonly kind: 'json'; readonly value: unknown }
    /** The body is not JSON. `start`: its first characters. */
    | { readonly kind: 'other'; readonly start: string }
    | { readonly kind: 'too_large'; readonly sizeMaxBytes: number };
}

/** An answer's sender and content. A receipt has not been compared with the sent part yet. */
export type RecognisedAnswer =
  | {
      readonly kind: 'receipt';
      readonly receipt: Receipt;
      readonly missing: readonly number[] | undefined;
    }
  | { readonly kind: 'refusal'; readonly errorCode: string; readonly message: string }
  /** Another system answered instead of central. */
  | { readonly kind: 'foreign'; readonly reason: NotCentralReason; readonly detail: string };

/**
 * Recognises an answer to a part. Redirects and status 511 are checked first, so that a portal cannot pass for central by
 * imitating its answer format.
 */
export function recogniseAnswer({ status, redirectHost, contentType, body }: PartAnswer): RecognisedAnswer {
  // docs/spec/protocol.md R36: "A boat MUST treat as foreign any redirect, any answer with status 511, any receipt that does not
  // match, and any answer that is neither a receipt nor a refusal."
  if (isRedirect(status)) return foreign('redirect', `It redirects to ${redirectHost}`);
  if (status === SIGN_IN_STATUS) return foreign('status_511', 'The network requires a sign-in');
  switch (body.kind) {
    case 'too_large':
      return foreign('garbage', `The answer is over ${body.sizeMaxBytes} bytes`);
    case 'other':
      return isHtml(contentType, body.start) ? foreign('html', 'A web page') : foreign('garbage', 'Not JSON');
    case 'json':
      return recogniseJson(status, body.value);
    default:
      return body satisfies never;
  }
}

function recogniseJson(status: number, value: unknown): RecognisedAnswer {
  if (isSuccess(status) && receiptShape.Check(value))
    return {
      kind: 'receipt',
      receipt: value,
      missing: 'missing_sequences' in value ? toMissingSequences(value.missing_sequences) : undefined,
    };
  if (status >= 400 && refusalShape.Check(value))
    return {
      kind: 'refusal',
      // These strings are shown in terminals, on the page and in the log, so they must not contain control characters.
      errorCode: toPlainText(value.error_code),
      message: toPlainText(value.message.slice(0, MESSAGE_LENGTH_MAX)),
    };
  return foreign('other_json', "JSON without central's fields");
}

/**
 * Returns the sequences in an answer's `missing_sequences`, without repetitions. A malformed list must not make the receipt
 * invalid, so invalid items are ignored, and so are items beyond the maximum (docs/spec/protocol.md R92). Returns undefined if it
 * is not a list.
 */
function toMissingSequences(value: unknown): readonly number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items: readonly unknown[] = value.slice(0, MISSING_SEQUENCES_MAX);
  const sequences = items.filter(
    (item) => typeof item === 'number' && Number.isSafeInteger(item) && item > 0,
  );
  // The filter leaves only numbers.
  return [...new Set(sequences as readonly number[])];
}

/** The result of a health probe that was answered. */
export type RecognisedHealth =
  | { readonly kind: 'central'; readonly health: Health }
  /** Central, or a proxy in front of it, answered with a failure. */
  | { readonly kind: 'unavailable' }
  /** Every other foreign answer. */
  | { readonly kind: 'captive_portal' };

/** Recognises an answer to a health probe. `json` is undefined if the body is not JSON. */
export function recogniseHealth(status: number, json: unknown): RecognisedHealth {
  if (isRedirect(status)) return { kind: 'captive_portal' };
  // docs/spec/protocol.md R50: "A boat MUST accept a health answer as central's only if it is 2xx and has
  // `"service":"d3kos-central"`."
  const isHealth = healthShape.Check(json);
  if (isHealth && isSuccess(status)) return { kind: 'central', health: json };
  if (status === SIGN_IN_STATUS) return { kind: 'captive_portal' };
  const isCentralOrProxy = isHealth || refusalShape.Check(json) || isGatewayStatus(status);
  return isCentralOrProxy ? { kind: 'unavailable' } : { kind: 'captive_portal' };
}

/** If central is down, a proxy in front of it answers with 500 to 504, but not in central's format. A captive portal does not. */
export function isGatewayStatus(status: number): boolean {
  return status >= 500 && status <= 504;
}

/** Status returned by a network that requires a sign-in (RFC 6585 §6). */
const SIGN_IN_STATUS = 511;

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function isHtml(contentType: string | undefined, start: string): boolean {
  if (contentType?.toLowerCase().includes('html') === true) return true;
  return /^\s*<(!doctype|html)/i.test(start);
}

function foreign(reason: NotCentralReason, detail: string): RecognisedAnswer {
  return { kind: 'foreign', reason, detail };
}
