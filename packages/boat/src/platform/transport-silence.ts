/** What silence is measured against. */
export interface SilenceLimits {
  /** Longest time without a byte. */
  readonly silenceMs: number;
  /** The slowest link that counts as working. */
  readonly slowestBytesPerSecond: number;
}

/** Watches one exchange for silence. */
export interface SilenceWatch {
  /** A connection is being made, which has its own limit of `limitMs`. */
  connecting(limitMs: number): void;
  /** The connection stands. */
  connected(): void;
  /** Bytes of the request were handed to the socket. */
  sent(sizeBytes: number): void;
  /** Something of the answer came. */
  received(): void;
  /** Ends the watch. */
  stop(): void;
}

/**
 * Calls `onSilent` once when no byte moved for the limit (docs/spec/protocol.md R3: by progress, not by total).
 *
 * Bytes that a socket took have not left yet: the kernel, the modem and a satellite's proxy keep hundreds of kilobytes, and
 * tell nobody as they drain. On the slowest working link that alone is longer than the limit. So bytes handed over count as
 * moving for as long as that link would need for them, and silence begins after it; the first byte of the answer
 * shows that they have all arrived.
 */
export function watchSilence(limits: SilenceLimits, onSilent: () => void): SilenceWatch {
  let movedMs = performance.now();
  let drainedMs = 0;
  const leftMs = (): number => Math.max(movedMs, drainedMs) + limits.silenceMs - performance.now();
  const look = (): void => {
    const left = leftMs();
    if (left <= 0) onSilent();
    else timer = setTimeout(look, Math.ceil(left));
  };
  let timer = setTimeout(look, limits.silenceMs);
  return {
    connecting: (limitMs) => {
      movedMs = performance.now() + limitMs;
    },
    connected: () => {
      movedMs = performance.now();
    },
    sent: (sizeBytes) => {
      movedMs = performance.now();
      drainedMs = Math.max(drainedMs, movedMs) + (sizeBytes / limits.slowestBytesPerSecond) * 1000;
    },
    received: () => {
      movedMs = performance.now();
      drainedMs = 0;
    },
    stop: () => clearTimeout(timer),
  };
}
