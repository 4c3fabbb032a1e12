import type { ProbeResult } from './outcome.ts';
import type { Verdict } from './verdict.ts';

/** What is known of central from here. `unknown` until something was tried, and after the configuration changed. */
export type DestinationState =
  'unknown' | 'online' | 'offline' | 'captive_portal' | 'clock_wrong' | 'unavailable' | 'blocked';

/** Central as seen from this boat. `sinceWallMs` is when the state began by the boat's clock, a label. */
export interface Destination {
  readonly state: DestinationState;
  readonly sinceWallMs: number;
  /** What was seen, for a person; '' where there is nothing to say. */
  readonly detail: string;
}

/** What can change a destination. A verdict is told after `confirmUnavailable`. */
export type DestinationEvent =
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'probe'; readonly result: ProbeResult }
  /** Central took a part: its receipt is the one thing that lifts every state, `blocked` too. */
  | { readonly kind: 'accepted' }
  | { readonly kind: 'configuration_changed' };

/** The destination before anything was tried. */
export function initialDestination(nowWallMs: number): Destination {
  return { state: 'unknown', sinceWallMs: nowWallMs, detail: '' };
}

/**
 * The destination after an event. `sinceWallMs` stays while the state stays. A probe lifts every state but `blocked`:
 * health asks for no token, so an answering central says nothing about why it refused.
 */
export function nextDestination(
  current: Destination,
  event: DestinationEvent,
  nowWallMs: number,
): Destination {
  const seen = observe(event);
  if (current.state === 'blocked' && event.kind === 'probe') return current;
  if (seen.state === current.state)
    return seen.detail === current.detail ? current : { ...current, detail: seen.detail };
  return { ...seen, sinceWallMs: nowWallMs };
}

type Observation = Pick<Destination, 'state' | 'detail'>;

function observe(event: DestinationEvent): Observation {
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

function observeVerdict(verdict: Verdict): Observation {
  switch (verdict.kind) {
    case 'delivered':
    case 'rejected':
    case 'cut_smaller':
      return { state: 'online', detail: '' };
    case 'unreachable':
      return { state: verdict.destination, detail: verdict.detail };
    case 'unavailable':
      return { state: 'unavailable', detail: verdict.detail };
    case 'blocked':
      return { state: 'blocked', detail: verdict.detail };
    default:
      return verdict satisfies never;
  }
}

function observeProbe(result: ProbeResult): Observation {
  switch (result.kind) {
    case 'central':
      return { state: 'online', detail: '' };
    case 'captive_portal':
      return { state: 'captive_portal', detail: result.detail };
    case 'nothing':
      return { state: 'offline', detail: `Nobody answers (${result.code})` };
    case 'clock_wrong':
      return {
        state: 'clock_wrong',
        detail: `The certificate's dates do not fit this boat's clock (${result.code})`,
      };
    case 'unavailable':
      return { state: 'unavailable', detail: `Central answers its health with HTTP ${result.status}` };
    default:
      return result satisfies never;
  }
}

/** What a state means and what the owner can do about it: one or two sentences for the page, the CLI and the log. */
export function describeDestination(destination: Destination): string {
  switch (destination.state) {
    case 'unknown':
      return 'Central has not been tried yet.';
    case 'online':
      return 'Central is reached.';
    case 'offline':
      return 'No connection to central. Exports wait and go out when the boat is online; nothing needs to be done.';
    case 'captive_portal':
      return 'Something between the boat and central answers in its place, as a Wi-Fi sign-in page does. Open a browser on this network and sign in; exports wait meanwhile.';
    case 'clock_wrong':
      return "The boat's clock is wrong, so no secure connection can be made. It corrects itself once a time server answers; otherwise set date and time.";
    case 'unavailable':
      return 'Central is reached but cannot take exports just now. They are tried again by themselves.';
    case 'blocked':
      // A refusal of central's begins with its status; everything else is missing on this boat.
      if (!destination.detail.startsWith('HTTP '))
        return `Nothing can be sent yet: ${destination.detail}. Exports are made and kept meanwhile.`;
      return `Central refuses this boat: ${destination.detail}. Check the device token in config/export-credentials.json and CENTRAL_API_URL with the operator of central; it is tried again every hour and after a change of configuration.`;
    default:
      return destination.state satisfies never;
  }
}
