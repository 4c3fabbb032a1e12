import type { ContentCoding } from '@d3kos/protocol';
import type { MonotonicMs, World } from '../platform/ports.ts';
import type { ProbeResult } from './outcome.ts';
import { BLOCKED_RETRY_MS, foreignAnswerDelay, probeDelay } from './policy/backoff.ts';
import {
  type Destination,
  type DestinationEvent,
  describeDestination,
  initialDestination,
  nextDestination,
} from './policy/destination-state.ts';
import { probe } from './probe.ts';
import type { Verdict } from './policy/verdict.ts';

/** What is known of the way to central, and when it may be used again. Lives as long as one run of the worker. */
export interface CircuitBreaker {
  destination(): Destination;
  /** The codings central's last answer offered. */
  offers(): readonly ContentCoding[];
  /** How long nothing is to be sent or asked yet; 0: it is time. */
  heldMs(): number;
  /** When it is time: looks at a central that was not reached, and gives how long to wait before the next look; 0: go on. */
  wait(centralUrl: string, signal: AbortSignal): Promise<number>;
  /** One look at central, whatever wait is running. */
  look(centralUrl: string, signal: AbortSignal): Promise<ProbeResult>;
  /** What a send came to; the state follows. */
  observe(event: DestinationEvent): void;
  /** Central took a part. */
  accepted(offers: readonly ContentCoding[]): void;
  /** Central was not reached: it is probed until it answers. */
  lost(verdict: Extract<Verdict, { kind: 'unreachable' }>): void;
  /** Central is failing as a whole: nothing is sent for `delayMs`. */
  hold(delayMs: number): void;
  /** Central takes nothing as things are; `by` is what would have to change. */
  block(verdict: Omit<Extract<Verdict, { kind: 'blocked' }>, 'kind'>, by: string): void;
  /** What a block depended on, as it is now: another one ends it. */
  notice(by: string): void;
  /** True while a change of the network's interfaces is worth knowing. */
  isLinkWaited(): boolean;
  /** The interfaces changed: whatever wait was running ends. */
  hurry(): void;
  /** The owner wants central tried now, blocked or not. */
  tryNow(): void;
}

export function createCircuitBreaker(
  world: Pick<World, 'clock' | 'random' | 'log' | 'transport'>,
  clockSynchronized: (signal: AbortSignal) => Promise<boolean>,
  onChange: (destination: Destination) => void,
): CircuitBreaker {
  const { clock, random, log } = world;
  let destination = initialDestination(clock.wall());
  let offers: readonly ContentCoding[] = [];
  let holdUntil: MonotonicMs | undefined;
  let mustProbe = false;
  let probeFailures = 0;
  let misanswered = 0;
  let blockedBy: string | undefined;

  const hold = (delayMs: number): void => {
    holdUntil = (clock.monotonic() + delayMs) as MonotonicMs;
  };
  const observe = (event: DestinationEvent): void => {
    const next = nextDestination(destination, event, clock.wall());
    const isNew = next.state !== destination.state;
    destination = next;
    if (!isNew) return;
    log.write(next.state === 'blocked' ? 'warn' : 'info', describeDestination(next));
    onChange(next);
  };
  const look = async (centralUrl: string, signal: AbortSignal): Promise<ProbeResult> => {
    const target = { centralUrl, clockSynchronized: await clockSynchronized(signal) };
    const result = await probe(world, target, signal);
    if (result.kind === 'central') offers = result.offers;
    return result;
  };
  const hurry = (): void => {
    holdUntil = undefined;
    probeFailures = 0;
  };

  return {
    destination: () => destination,
    offers: () => offers,
    observe,
    look,
    hold,
    hurry,
    heldMs: () => (holdUntil === undefined ? 0 : Math.max(0, holdUntil - clock.monotonic())),
    async wait(centralUrl, signal) {
      holdUntil = undefined;
      if (!mustProbe) return 0;
      const result = await look(centralUrl, signal);
      observe({ kind: 'probe', result });
      if (result.kind === 'central') {
        mustProbe = false;
        probeFailures = 0;
        return 0;
      }
      const delayMs = probeDelay(probeFailures, random.fraction());
      probeFailures += 1;
      hold(delayMs);
      return delayMs;
    },
    accepted(offered) {
      offers = offered;
      misanswered = 0;
      observe({ kind: 'accepted' });
    },
    lost(verdict) {
      // A place that answers probes as central and exports as something else is asked ever less often.
      misanswered = verdict.destination === 'captive_portal' ? misanswered + 1 : 0;
      mustProbe = true;
      probeFailures = 0;
      const fraction = random.fraction();
      hold(misanswered > 0 ? foreignAnswerDelay(misanswered, fraction) : probeDelay(0, fraction));
    },
    block(verdict, by) {
      observe({ kind: 'verdict', verdict: { kind: 'blocked', ...verdict } });
      blockedBy = by;
      hold(BLOCKED_RETRY_MS);
      mustProbe = false;
    },
    notice(by) {
      if (blockedBy === undefined || blockedBy === by) return;
      blockedBy = undefined;
      holdUntil = undefined;
      observe({ kind: 'configuration_changed' });
    },
    isLinkWaited: () => mustProbe,
    tryNow() {
      blockedBy = undefined;
      mustProbe = destination.state !== 'online' && destination.state !== 'unknown';
      hurry();
    },
  };
}
