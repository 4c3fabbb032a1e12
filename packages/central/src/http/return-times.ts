import { toInstallationFraction, toOwnReturnS } from '../admission/return-policy.ts';
import type { ReturnSchedule } from '../admission/return-schedule.ts';
import type { RouteId } from '../api/contract.ts';

/** The facts about a handled request. */
export interface HandledRequest {
  /** The route that the request matched. */
  route: RouteId | 'unmatched';
  /** The installation whose boat sent the request. Undefined for other senders and for an unauthorized request. */
  installationId: string | undefined;
}

/**
 * Adds `Retry-After` to a refusal. An import that the node or its database cannot store gets the next return time of the
 * schedule. Every other sender gets a short wait. R43: "Central MUST send `Retry-After` with 429 and 503." R101: "Central
 * SHOULD vary the `Retry-After` of boats that it refuses at the same time, so that they do not all return at the same time."
 */
export function addReturnTime(response: Response, handled: HandledRequest, schedule: ReturnSchedule): void {
  const { route, installationId } = handled;
  if (route === 'importPart' && response.status === 200) schedule.noteServed();
  if (response.status !== 429 && response.status !== 503) return;
  if (response.headers.has('Retry-After')) return;
  // A boat that is not authenticated cannot be identified, so only the schedule spreads its retries.
  const fraction = installationId === undefined ? 0 : toInstallationFraction(installationId);
  const isLoad = response.status === 503 && route === 'importPart';
  response.headers.set(
    'Retry-After',
    String(isLoad ? schedule.nextReturnS(fraction) : toOwnReturnS(fraction)),
  );
}
