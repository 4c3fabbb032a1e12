import type { ProbeResult } from '../outcome.ts';
import { type BlockedCause, toBlockedCause } from './blocked-cause.ts';
import type { Verdict } from './verdict.ts';

/** Central's state as seen from this boat. It is `unknown` until the first attempt and after a configuration change. */
export type DestinationState =
  | 'unknown'
  | 'online'
  | 'offline'
  | 'captive_portal'
  | 'untrusted'
  | 'clock_wrong'
  | 'unavailable'
  | 'blocked';

/** Central, as seen from this boat. `sinceWallMs` is when the state began, by the boat's clock. */
export interface Destination {
  readonly state: DestinationState;
  readonly sinceWallMs: number;
  /** Human-readable description of what the boat observed, or '' if there is nothing to add. */
  readonly detail: string;
  /** Present if the state is `blocked`. */
  readonly cause?: BlockedCause;
}

/** An observation that can change the destination's state. A verdict counts as an observation only after `confirmByProbe`. */
export type DestinationEvent =
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'probe'; readonly result: ProbeResult }
  /** Central answered an authenticated request. Only this event ends every state, even `blocked`. */
  | { readonly kind: 'accepted' }
  | { readonly kind: 'configuration_changed' };

/** The destination before the first attempt. */
export function initialDestination(nowWallMs: number): Destination {
  return { state: 'unknown', sinceWallMs: nowWallMs, detail: '' };
}

/**
 * Returns the destination after an event. `sinceWallMs` does not change while the state lasts. A probe ends every state except
 * `blocked`, because the health request contains no token, so its answer does not show whether central still refuses the boat.
 */
export function nextDestination(
  current: Destination,
  event: DestinationEvent,
  nowWallMs: number,
): Destination {
  const seen = observe(event);
  if (seen === undefined || (current.state === 'blocked' && event.kind === 'probe')) return current;
  if (seen.state === current.state)
    return seen.detail === current.detail && seen.cause === current.cause ? current : { ...current, ...seen };
  return { ...seen, sinceWallMs: nowWallMs };
}

type Observation = Pick<Destination, 'state' | 'detail' | 'cause'>;

/** Undefined if the event reveals nothing about central. */
function observe(event: DestinationEvent): Observation | undefined {
  switch (event.kind) {
    case 'verdict':
      return observeVerdict(event.verdict);
    case 'probe':
      return observeProbe(event.result);
    case 'accepted':
      return { state: 'online', detail: '' };
    case 'configuration_changed':
      return { state: 'unknown', detail: '' };
    default:
      return event satisfies never;
  }
}

function observeVerdict(verdict: Verdict): Observation | undefined {
  switch (verdict.kind) {
    case 'delivered':
    case 'diverged':
    case 'cut_smaller':
      return { state: 'online', detail: '' };
    case 'rejected':
      return verdict.by === 'central' ? { state: 'online', detail: '' } : undefined;
    case 'unreadable':
      return undefined;
    case 'refused_on_the_way':
      return { state: 'online', detail: verdict.detail };
    case 'unreachable':
      return { state: verdict.destination, detail: verdict.detail };
    case 'unavailable':
    case 'throttled':
      return { state: 'unavailable', detail: verdict.detail };
    case 'blocked':
      return { state: 'blocked', detail: verdict.detail, cause: toBlockedCause(verdict) };
    default:
      return verdict satisfies never;
  }
}

function observeProbe(result: ProbeResult): Observation {
  switch (result.kind) {
    case 'central':
      return { state: 'online', detail: '' };
    case 'captive_portal':
    case 'untrusted':
      return { state: result.kind, detail: result.detail };
    case 'nothing':
      return { state: 'offline', detail: `No answer (${result.code})` };
    case 'clock_wrong':
      return {
        state: 'clock_wrong',
        detail: `The certificate's dates do not match this boat's clock (${result.code})`,
      };
    case 'unavailable':
      return { state: 'unavailable', detail: `Central answers the health probe with HTTP ${result.status}` };
    default:
      return result satisfies never;
  }
}

/** Explains a state and what the owner can do about it, in one or two sentences for the page, the CLI and the log. */
export function describeDestination(destination: Destination): string {
  switch (destination.state) {
    case 'unknown':
      return 'Central has not been tried yet.';
    case 'online':
      return destination.detail === ''
        ? 'Central is reachable.'
        : `Central is reachable. ${destination.detail}. That export is tried again later, and the others are sent meanwhile.`;
    case 'offline':
      return 'Central is not reachable. Exports wait and are sent when the boat is online; no action is needed.';
    case 'captive_portal':
      return 'Another system answers instead of central, as a Wi-Fi sign-in page does. Open a browser on this network and sign in; exports wait meanwhile.';
    case 'untrusted':
      return `Central's certificate cannot be verified, so nothing is sent. ${destination.detail}. Exports wait meanwhile.`;
    case 'clock_wrong':
      return "The boat's clock is wrong, so no secure connection is possible. It corrects itself when a time server answers; otherwise set the date and time.";
    case 'unavailable':
      return 'Central is reachable but cannot accept exports at the moment. The boat tries again automatically.';
    case 'blocked':
      // A refusal by central begins with its HTTP status. Every other detail describes what is missing on this boat.
      if (!destination.detail.startsWith('HTTP '))
        return `Nothing can be sent yet: ${destination.detail}. In the meantime, exports are created and kept.`;
      return `Central refuses this boat: ${destination.detail}. Check the device token in config/export-credentials.json and CENTRAL_API_URL with the operator of central. The boat tries again every hour and after a change of configuration.`;
    default:
      return destination.state satisfies never;
  }
}
