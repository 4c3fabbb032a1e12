import { type StoredConfiguration, StoredConfigurationSchema, toConfigurationPath } from '@d3kos/protocol';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { ExportError } from '../platform/errors.ts';
import { parseForeignJson } from '../platform/lenient-json.ts';
import { toPlainText } from '../platform/plain-text.ts';
import type { Transport, TransportError } from '../platform/ports.ts';
import { decodeText } from '../platform/text.ts';
import { readAnswer, toTransportFailure } from '../platform/transport-answer.ts';

/** Maximum size of the answer, in bytes. It contains two records, and central returns no record larger than 2 MiB. */
const ANSWER_SIZE_MAX_BYTES = 5 * 1024 * 1024;

/** Maximum length of central's message when it is shown, in characters. */
const MESSAGE_LENGTH_MAX = 300;

const configuration = Compile(StoredConfigurationSchema);
const refusal = Compile(
  Type.Object({ status: Type.Literal('error'), error_code: Type.String(), message: Type.String() }),
);

/** The boat that sends the request, and central's URL. */
export interface ConfigurationRequest {
  readonly centralUrl: string;
  readonly token: string;
  readonly installationId: string;
}

/**
 * Requests this boat's newest onboarding and settings from central. Throws CENTRAL_UNREACHABLE if there is no answer or another
 * system answers, and CENTRAL_REFUSED with central's reason. Rejects with the signal's reason when aborted.
 */
export async function fetchConfiguration(
  transport: Transport,
  { centralUrl, token, installationId }: ConfigurationRequest,
  signal: AbortSignal,
): Promise<StoredConfiguration> {
  const request = new Request(`${centralUrl}${toConfigurationPath(installationId)}`, {
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      'accept-encoding': 'identity',
    },
  });
  const { status, value } = await exchange(transport, request, signal);
  if (status === 200 && configuration.Check(value) && value.installation_id === installationId) return value;
  if (status >= 400 && refusal.Check(value))
    throw new ExportError(
      'CENTRAL_REFUSED',
      `Central refused: ${toPlainText(value.message.slice(0, MESSAGE_LENGTH_MAX))} (HTTP ${status} ${toPlainText(value.error_code.slice(0, MESSAGE_LENGTH_MAX))})`,
      {
        op: `GET ${request.url}`,
        hint:
          status === 401 || status === 403
            ? 'Ask the operator of central for a new device token or enrolment code for this boat.'
            : 'Try again later, or ask the operator of central.',
      },
    );
  throw new ExportError('CENTRAL_UNREACHABLE', `Another system answers instead of central (HTTP ${status})`, {
    op: `GET ${request.url}`,
    hint: 'If the Wi-Fi has a sign-in page, sign in with a browser. Otherwise check CENTRAL_API_URL (d3kos-export config).',
  });
}

async function exchange(
  transport: Transport,
  request: Request,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly value: unknown }> {
  try {
    const response = await transport(request, signal);
    const body = await readAnswer(response, ANSWER_SIZE_MAX_BYTES);
    if (body.kind !== 'whole') return { status: response.status, value: undefined };
    // Numbers must keep all their digits on the way back as well.
    const parsed = parseForeignJson(decodeText(body.bytes));
    return { status: response.status, value: parsed.kind === 'value' ? parsed.value : undefined };
  } catch (error) {
    throw toUnreachable(toTransportFailure(error, signal), request.url);
  }
}

function toUnreachable(cause: TransportError, url: string): ExportError {
  const isCertificate = cause.phase === 'tls';
  return new ExportError(
    'CENTRAL_UNREACHABLE',
    isCertificate
      ? `Central's certificate is not accepted (${cause.code})`
      : `Central does not answer (${cause.code})`,
    {
      op: `GET ${url}`,
      hint: isCertificate
        ? 'Check the date on this computer, and check whether the Wi-Fi has a sign-in page.'
        : 'Connect the boat to a network, check CENTRAL_API_URL (d3kos-export config), and try again.',
      cause,
    },
  );
}
