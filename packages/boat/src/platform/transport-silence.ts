/** Limits that determine when an exchange counts as silent. */
export interface SilenceLimits {
  /** Maximum time without any transfer of data. */
  readonly silenceMs: number;
  /** Speed of the slowest link that counts as working. */
  readonly slowestBytesPerSecond: number;
}

/** Watches one exchange for silence. */
export interface SilenceWatch {
  /** A connection is being opened. Its timeout is `limitMs`. */
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
 * Calls `onSilent` once if no data was transferred for the maximum time (docs/spec/protocol.md R3: by progress, not by
 * total time).
 *
 * A socket accepts bytes before they leave. The kernel, the modem and a satellite's proxy buffer hundreds of kilobytes and
 * do not report when these buffers drain. On the slowest working link, draining alone takes longer than the maximum time.
 * Accepted bytes therefore count as moving for as long as that link needs to send them, and silence begins afterwards. The
 * first byte of the answer shows that all accepted bytes have arrived.
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
