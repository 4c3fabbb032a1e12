import type { MonotonicMs, World } from '../platform/ports.ts';
import type { CentralClient } from './central-client.ts';
import type { ReportDelivery } from './delivery-event.ts';
import {
  BLOCKED_RETRY_MS,
  isQuickProbe,
  probeDelay,
  refusedPartDelay,
  refusedSendsPause,
} from './policy/backoff.ts';
import {
  type Destination,
  type DestinationEvent,
  initialDestination,
  nextDestination,
} from './policy/destination-state.ts';
import type { Verdict } from './policy/verdict.ts';
import { probeStaggered } from './staggered-probes.ts';

/** Why no export can be sent: central refuses all of them, or the boat's own configuration does not allow sending. */
export type Block = Omit<Extract<Verdict, { kind: 'blocked' }>, 'kind'>;

/**
 * The circuit breaker for central. It is closed while central accepts requests, and open while no request may be sent. Once the
 * open time is over, it is half-open: if central was unreachable, the breaker probes central before it closes. Its state is kept
 * for one run of the worker.
 */
export interface CircuitBreaker {
  /** Central's state, according to the last request. */
  destination(): Destination;
  /** Returns how many milliseconds the breaker will stay open, or 0 if a request may be sent. */
  openForMs(): number;
  /**
   * Must be called after the open time. Probes central if required, and stops if `mayProbe` forbids the next probe. Returns 0 if
   * the breaker has closed, otherwise the new `openForMs`.
   */
  tryClose(
    central: Pick<CentralClient, 'probe'>,
    mayProbe: () => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<number>;
  /** Records that central answered an authenticated request. */
  recordSuccess(): void;
  /**
   * Records a verdict. `unreachable` opens the breaker until a probe reaches central. `throttled` opens it for as long as central
   * requests. `refused_on_the_way` opens it only after several refusals in a row.
   */
  recordVerdict(verdict: Verdict): void;
  /** Opens the breaker for `delayMs`, because central is failing for every export. */
  open(delayMs: number): void;
  /** Opens the breaker for an hour, or until the configuration differs from `configuration`. */
  openBlocked(block: Block, configuration: string): void;
  /** Records the current configuration. A change ends the block set by `openBlocked`. */
  recordConfiguration(configuration: string): void;
  /** Returns true if the breaker is waiting for central to become reachable, so that a network change matters. */
  isWaitingForLink(): boolean;
  /** Ends the open time after the network interfaces have changed. */
  recordNetworkChange(): void;
  /** Ends the open time and any block when the owner requests "Send now". */
  reset(): void;
}

/** Creates an object that keeps central's state and reports every change. */
function createDestination(clock: World['clock'], report: ReportDelivery) {
  let destination = initialDestination(clock.wall());
  return {
    current: (): Destination => destination,
    observe: (event: DestinationEvent): void => {
      const next = nextDestination(destination, event, clock.wall());
      const isChanged = next.state !== destination.state || next.cause !== destination.cause;
      destination = next;
      if (isChanged) report({ kind: 'destination_changed', destination });
    },
  };
}

/** Creates the timer for the breaker's open time and the action to take when it ends. */
function createOpenTime({ clock, random }: Pick<World, 'clock' | 'random'>) {
  let openUntil: MonotonicMs | undefined;
  let mustProbe = false;
  /** Number of consecutive probes that did not reach central. */
  let probes = 0;
  /** Number of consecutive sends that an intermediary refused. */
  let refusedSends = 0;
  /** Number of consecutive sends after which central requested a delay. */
  let throttledSends = 0;
  const open = (delayMs: number): number => {
    openUntil = (clock.monotonic() + delayMs) as MonotonicMs;
    return delayMs;
  };
  return {
    leftMs: (): number => (openUntil === undefined ? 0 : Math.max(0, openUntil - clock.monotonic())),
    mustProbe: (): boolean => mustProbe,
    requireProbe: (isRequired: 'probe' | 'no_probe'): void => {
      mustProbe = isRequired === 'probe';
    },
    open,
    openUnreachable: (): void => {
      mustProbe = true;
      probes = 0;
      open(probeDelay(probes, random.fraction()));
    },
    openAfterProbes: (more: number): number => {
      probes += more;
      return open(probeDelay(probes, random.fraction()));
    },
    isQuick: (): boolean => isQuickProbe(probes),
    recordReached: (): void => {
      mustProbe = false;
      probes = 0;
    },
    recordRefusedSend: (): void => {
      refusedSends += 1;
      open(refusedSendsPause(refusedSends, random.fraction()));
    },
    recordThrottledSend: (retryAfterMs: number | undefined): void => {
      throttledSends += 1;
      open(refusedPartDelay({ refusals: throttledSends, retryAfterMs, fraction: random.fraction() }));
    },
    recordSuccess: (): void => {
      refusedSends = 0;
      throttledSends = 0;
    },
    end: (): void => {
      openUntil = undefined;
    },
    endAndRestartBackoff: (): void => {
      openUntil = undefined;
      probes = 0;
    },
  };
}

export function createCircuitBreaker(
  world: Pick<World, 'clock' | 'random'>,
  report: ReportDelivery,
): CircuitBreaker {
  const destination = createDestination(world.clock, report);
  const openTime = createOpenTime(world);
  /** The configuration that central refused. Undefined while the breaker is not blocked. */
  let blockedConfiguration: string | undefined;

  return {
    destination: destination.current,
    openForMs: openTime.leftMs,
    async tryClose(central, mayProbe, signal) {
      openTime.end();
      if (!openTime.mustProbe()) return 0;
      const { result, probes } = openTime.isQuick()
        ? await probeStaggered(central, world.clock, mayProbe, signal)
        : { result: await central.probe(signal), probes: 1 };
      if (result !== undefined) destination.observe({ kind: 'probe', result });
      if (result?.kind !== 'central') return openTime.openAfterProbes(probes);
      openTime.recordReached();
      return 0;
    },
    recordSuccess() {
      openTime.recordSuccess();
      destination.observe({ kind: 'accepted' });
    },
    recordVerdict(verdict) {
      destination.observe({ kind: 'verdict', verdict });
      if (verdict.kind === 'unreachable') openTime.openUnreachable();
      if (verdict.kind === 'throttled') openTime.recordThrottledSend(verdict.retryAfterMs);
      if (verdict.kind === 'refused_on_the_way') openTime.recordRefusedSend();
    },
    open: openTime.open,
    openBlocked(block, configuration) {
      destination.observe({ kind: 'verdict', verdict: { kind: 'blocked', ...block } });
      blockedConfiguration = configuration;
      openTime.open(BLOCKED_RETRY_MS);
      openTime.requireProbe('no_probe');
    },
    recordConfiguration(configuration) {
      if (blockedConfiguration === undefined || blockedConfiguration === configuration) return;
      blockedConfiguration = undefined;
      openTime.end();
      destination.observe({ kind: 'configuration_changed' });
    },
    isWaitingForLink: openTime.mustProbe,
    recordNetworkChange: openTime.endAndRestartBackoff,
    reset() {
      blockedConfiguration = undefined;
      const { state } = destination.current();
      openTime.requireProbe(state !== 'online' && state !== 'unknown' ? 'probe' : 'no_probe');
      openTime.endAndRestartBackoff();
    },
  };
}
