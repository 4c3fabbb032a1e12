import {
  CentralErrorSchema,
  ENROL_PATH,
  type Enrolment,
  type EnrolmentRequest,
  EnrolmentSchema,
} from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import { ExportError } from '../platform/errors.ts';
import { toPlainText } from '../platform/plain-text.ts';
import type { Transport } from '../platform/ports.ts';
import { parseJsonBytes, readAnswer, toTransportFailure } from '../platform/transport-answer.ts';

/**
 * Maximum size of an answer, in bytes. A real answer is smaller than 1 KB, and a sign-in page is recognised by its first bytes.
 */
const ANSWER_SIZE_MAX_BYTES = 64 * 1024;

/** Maximum length of central's message when it is shown or logged, in characters. */
const TEXT_LENGTH_MAX = 300;

const OP = 'enrol at central';

const enrolmentShape = Compile(EnrolmentSchema);
const errorShape = Compile(CentralErrorSchema);

/**
 * Sends an enrolment code to central (docs/spec/protocol.md R93). The request contains only the token's digest and can be
 * repeated. Throws CENTRAL_UNREACHABLE if the link fails or another system answers, and CENTRAL_REFUSED, INSTALLATION_MISMATCH or
 * BUSY with central's message. Rejects with the signal's reason when aborted.
 */
export async function redeemCode(
  transport: Transport,
  centralUrl: string,
  enrolment: EnrolmentRequest,
  signal: AbortSignal,
): Promise<Enrolment> {
  const request = new Request(`${centralUrl}${ENROL_PATH}`, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      accept: 'application/json',
      'accept-encoding': 'identity',
      'content-type': 'application/json',
    },
    body: JSON.stringify(enrolment),
  });
  const { status, value } = await exchange(transport, request, centralUrl, signal);
  if (status === 200 && enrolmentShape.Check(value))
    return {
      ...value,
      token_id: toShown(value.token_id),
      expires_at: value.expires_at === null ? null : toShown(value.expires_at),
    };
  if (status >= 400 && errorShape.Check(value))
    throw toRefusal(status, toShown(value.error_code), toShown(value.message));
  throw new ExportError('CENTRAL_UNREACHABLE', `Another system answers instead of central (HTTP ${status})`, {
    op: OP,
    hint: 'If the network has a sign-in page, sign in first. Check CENTRAL_API_URL. The code is still valid.',
  });
}

function toShown(text: string): string {
  return toPlainText(text.slice(0, TEXT_LENGTH_MAX));
}

async function exchange(
  transport: Transport,
  request: Request,
  centralUrl: string,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly value: unknown }> {
  try {
    const response = await transport(request, signal);
    const body = await readAnswer(response, ANSWER_SIZE_MAX_BYTES);
    const value = body.kind === 'whole' ? parseJsonBytes(body.bytes)?.value : undefined;
    return { status: response.status, value };
  } catch (error) {
    const cause = toTransportFailure(error, signal);
    throw new ExportError('CENTRAL_UNREACHABLE', `Central does not answer at ${centralUrl} (${cause.code})`, {
      op: OP,
      hint: 'Connect the boat to a network and enter the same code again. It is still valid, even if only the answer was lost.',
      cause,
    });
  }
}

function toRefusal(status: number, code: string, message: string): ExportError {
  if (code === 'INVALID_CODE')
    return new ExportError('CENTRAL_REFUSED', 'Central does not accept this code', {
      op: OP,
      hint: 'Check the code for typing errors. A code can be used only once, and it expires. If you typed it correctly, ask the operator of central for a new one.',
    });
  if (code === 'INSTALLATION_MISMATCH')
    return new ExportError('INSTALLATION_MISMATCH', `This code is for another boat: ${message}`, {
      op: OP,
      hint: "Ask for a code for this boat's installation ID. If the SD card was replaced and the boat should keep its former ID, run sudo d3kos-export enroll CODE --replace-id. The code is still valid.",
    });
  if (status === 429 || status >= 500)
    return new ExportError('BUSY', `Central cannot enrol this boat at the moment: ${message} [${code}]`, {
      op: OP,
      hint: 'Wait a few minutes and enter the same code again. It is still valid.',
    });
  return new ExportError('CENTRAL_REFUSED', `Central refuses to enrol this boat: ${message} [${code}]`, {
    op: OP,
    hint: 'Ask the operator of central.',
  });
}
