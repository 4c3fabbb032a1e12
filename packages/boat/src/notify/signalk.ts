import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { type Clock, type Transport, TransportError } from '../platform/ports.ts';
import { parseJsonBytes, readAnswer } from '../platform/transport-answer.ts';
import { withDeadline } from '../platform/with-deadline.ts';
import type { Condition } from './policy.ts';
import { REQUEST_PATH, TOKEN } from './signalk-access-file.ts';

/** Timeout for an answer. The server runs on this boat but may still be starting. */
const DEADLINE_MS = 10_000;

/** Maximum size of an answer, in bytes. Real answers are smaller than 1 KB. */
const ANSWER_SIZE_MAX_BYTES = 64 * 1024;

const NOTIFICATIONS = '/signalk/v2/api/notifications';
const ACCESS_REQUESTS = '/signalk/v1/access/requests';

/** The name by which the access request appears on the server's admin page. */
const DEVICE_DESCRIPTION = 'd3kOS export: reports failed and waiting exports';

const raisedAnswer = Compile(Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9-]{1,100}$' }) }));
const failedAnswer = Compile(Type.Object({ statusCode: Type.Literal(404) }));
const requestedAnswer = Compile(Type.Object({ href: Type.String({ pattern: REQUEST_PATH }) }));
const pendingAnswer = Compile(Type.Object({ state: Type.Literal('PENDING') }));
const decidedAnswer = Compile(
  Type.Object({
    state: Type.Literal('COMPLETED'),
    accessRequest: Type.Union([
      Type.Object({ permission: Type.Literal('APPROVED'), token: Type.String({ pattern: TOKEN }) }),
      Type.Object({ permission: Type.Literal('DENIED') }),
    ]),
  }),
);

/** Why an operation did not take effect. `detail` contains no text from the server. */
export type SignalKFailure =
  /** No server answers. */
  | { readonly kind: 'unreachable'; readonly detail: string }
  /** The server requires a token or rejects the one that was sent. */
  | { readonly kind: 'unauthorized' }
  /** The server has no Notifications API (before 2.21), or accepts no access requests. */
  | { readonly kind: 'unsupported'; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string };

/**
 * A client for a Signal K server's Notifications API and access requests (see "Notifications API" and "Generating Tokens" in its
 * documentation, and Signal K 1.7, "Access Requests"). Failures are returned as results. Rejects with the signal's reason when
 * aborted.
 */
export interface SignalK {
  /** Shows a notification at `notifications.export.{subject}` and returns the ID that the server gave it. */
  raise(
    subject: string,
    condition: Condition,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly kind: 'raised'; readonly id: string } | SignalKFailure>;
  /** Changes a notification's text. Returns `gone` if the server no longer has the notification. */
  update(
    id: string,
    condition: Condition,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly kind: 'updated' | 'gone' } | SignalKFailure>;
  /** Clears a notification. Returns `gone` if the server no longer has it. */
  clear(
    id: string,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly kind: 'cleared' | 'gone' } | SignalKFailure>;
  /** Checks whether the server still has a notification. The server loses them when it restarts. */
  isKnown(
    id: string,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly kind: 'known' | 'gone' } | SignalKFailure>;
  /** Asks the owner for access under a new ID. Returns the path from which the decision can be read. */
  requestAccess(
    clientId: string,
    signal: AbortSignal,
  ): Promise<{ readonly kind: 'requested'; readonly path: string } | SignalKFailure>;
  /** Reads the owner's decision. Returns `gone` if the server no longer has the request. */
  readDecision(
    path: string,
    signal: AbortSignal,
  ): Promise<
    | { readonly kind: 'approved'; readonly token: string }
    | { readonly kind: 'pending' | 'denied' | 'gone' }
    | SignalKFailure
  >;
}

/** An answer from the server. `value` is undefined if the body is not JSON. */
interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  readonly value: unknown;
}

/** Creates a client. `url` is the server's URL without a trailing slash. */
export function createSignalK(
  { transport, clock }: { readonly transport: Transport; readonly clock: Pick<Clock, 'sleep'> },
  url: string,
): SignalK {
  const exchange = createExchange(transport, clock, url);
  const toPath = (id: string): string => `${NOTIFICATIONS}/${encodeURIComponent(id)}`;
  return {
    async raise(subject, { state, message }, token, signal) {
      const body = { path: `export.${subject}`, state, message };
      const answer = await exchange('POST', NOTIFICATIONS, { token, body }, signal);
      if (answer.kind !== 'answer') return answer;
      if (answer.status === 200 && raisedAnswer.Check(answer.value))
        return { kind: 'raised', id: answer.value.id };
      return toFailure(answer, 'has no Notifications API (version 2.21 or newer is needed)');
    },
    async update(id, { state, message }, token, signal) {
      const answer = await exchange('PUT', toPath(id), { token, body: { state, message } }, signal);
      if (answer.kind !== 'answer') return answer;
      if (isGone(answer)) return { kind: 'gone' };
      return answer.status === 200 ? { kind: 'updated' } : toFailure(answer);
    },
    async clear(id, token, signal) {
      const answer = await exchange('DELETE', toPath(id), { token }, signal);
      if (answer.kind !== 'answer') return answer;
      if (isGone(answer)) return { kind: 'gone' };
      return answer.status === 200 ? { kind: 'cleared' } : toFailure(answer);
    },
    async isKnown(id, token, signal) {
      const answer = await exchange('GET', toPath(id), { token }, signal);
      if (answer.kind !== 'answer') return answer;
      if (isGone(answer)) return { kind: 'gone' };
      return answer.status === 200 ? { kind: 'known' } : toFailure(answer);
    },
    async requestAccess(clientId, signal) {
      const body = { clientId, description: DEVICE_DESCRIPTION, permissions: 'readwrite' };
      const answer = await exchange('POST', ACCESS_REQUESTS, { body }, signal);
      if (answer.kind !== 'answer') return answer;
      if (answer.status === 202 && requestedAnswer.Check(answer.value))
        return { kind: 'requested', path: answer.value.href };
      return toFailure(answer, 'accepts no access requests from devices');
    },
    async readDecision(path, signal) {
      const answer = await exchange('GET', path, {}, signal);
      if (answer.kind !== 'answer') return answer;
      if (pendingAnswer.Check(answer.value)) return { kind: 'pending' };
      if (decidedAnswer.Check(answer.value)) {
        const { accessRequest: decision } = answer.value;
        return decision.permission === 'APPROVED'
          ? { kind: 'approved', token: decision.token }
          : { kind: 'denied' };
      }
      // The server keeps requests only in memory, and returns 500 for one that it lost when it restarted.
      return { kind: 'gone' };
    },
  };
}

/** Creates a function that sends one request and returns the answer, or one of the failures that any request can have. */
function createExchange(transport: Transport, clock: Pick<Clock, 'sleep'>, url: string) {
  return async (
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    { token, body }: { readonly token?: string | undefined; readonly body?: unknown },
    signal: AbortSignal,
  ): Promise<Answer | Extract<SignalKFailure, { kind: 'unreachable' | 'unauthorized' }>> => {
    const request = new Request(`${url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    try {
      const answer = await withDeadline(clock, DEADLINE_MS, signal, async (until) => {
        const response = await transport(request, until);
        const read = await readAnswer(response, ANSWER_SIZE_MAX_BYTES);
        return {
          kind: 'answer' as const,
          status: response.status,
          value: read.kind === 'whole' ? parseJsonBytes(read.bytes)?.value : undefined,
        };
      });
      if (answer.kind === 'late')
        return { kind: 'unreachable', detail: `no answer within ${DEADLINE_MS / 1_000} s` };
      const { status } = answer.value;
      return status === 401 || status === 403 ? { kind: 'unauthorized' } : answer.value;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      return { kind: 'unreachable', detail: `${error.phase} ${error.code}` };
    }
  };
}

/** For an unknown ID, older servers return HTTP 200 with the status in the body, or 400 for a change. */
function isGone({ status, value }: Answer): boolean {
  return status === 404 || status === 400 || failedAnswer.Check(value);
}

function toFailure({ status }: Answer, ifMissing?: string): SignalKFailure {
  if (ifMissing !== undefined && (status === 404 || status === 405))
    return { kind: 'unsupported', detail: ifMissing };
  return { kind: 'failed', detail: `it returned HTTP ${status}` };
}
