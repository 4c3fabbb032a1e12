/** Limits by which an exchange counts as silent. */
export interface SilenceLimits {
  /** Longest time without a byte. */
  readonly silenceMs: number;
  /** Speed of the slowest link that counts as working. */
  readonly slowestBytesPerSecond: number;
}

/** Watches one exchange for silence. */
export interface SilenceWatch {
  /** A connection is being opened, which has its own limit of `limitMs`. */
  connecting(limitMs: number): void;
  /** The connection is open. */
  connected(): void;
  /** Bytes of the request were handed to the socket. */
  sent(sizeBytes: number): void;
  /** Bytes of the answer arrived. */
  received(): void;
  /** Ends the watch. */
  stop(): void;
}

/**
 * Calls `onSilent` once when no byte moved for the limit (docs/spec/protocol.md R3: by progress, not by total time).
 *
 * A socket accepts bytes before they leave: the kernel, the modem and a satellite's proxy buffer hundreds of kilobytes and do
 * not report when they drain. On the slowest working link that alone takes longer than the limit. So accepted bytes count as
 * moving for as long as that link needs for them, and silence begins after that. The first byte of the answer shows that all
 * of them have arrived.
 */
export function watchSilence(limits: SilenceLimits, onSilent: () => void): SilenceWatch {
  let movedMs = performance.now();
  let drainedMs = 0;
  const leftMs = (): number => Math.max(movedMs, drainedMs) + limits.silenceMs - performance.now();
  const check = (): void => {
    const left = leftMs();
    if (left <= 0) onSilent();
    else timer = setTimeout(check, Math.ceil(left));
  };
  let timer = setTimeout(check, limits.silenceMs);
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
