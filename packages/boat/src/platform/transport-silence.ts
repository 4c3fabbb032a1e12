/** Limits beyond which an exchange counts as silent or too slow. */
export interface SilenceLimits {
  /** Maximum time without any data transfer, and maximum time that an answer may take beyond its transfer time. */
  readonly silenceMs: number;
  /** Speed of the slowest link that counts as working. */
  readonly slowestBytesPerSecond: number;
}

/** Watches one exchange for silence. */
export interface SilenceWatch {
  /** A connection is being opened, with a timeout of `limitMs`. */
  connecting(limitMs: number): void;
  /** The connection is open. */
  connected(): void;
  /** Bytes of the request were passed to the socket. */
  sent(sizeBytes: number): void;
  /** Bytes of the answer's body arrived, or its headers did (0 bytes). */
  received(sizeBytes: number): void;
  /** Ends the watch. */
  stop(): void;
}

/** Why an exchange was ended: no data was transferred, or the answer arrived too slowly. */
export type SilenceCause = 'silent' | 'slow';

/**
 * Calls `onEnd` once if no data is transferred for the maximum silence (docs/spec/protocol.md R3: by progress, not by total
 * time), or if an answer takes longer than the slowest working link would need for it plus the maximum silence. Answers are
 * small, so a server that sends them byte by byte must not hold up the delivery worker.
 *
 * An answer's headers count as progress only once they are complete, so they must arrive within the maximum silence after the
 * request was sent.
 *
 * A socket accepts bytes before they are sent. The kernel, the modem and a satellite proxy buffer hundreds of kilobytes and do
 * not report when these buffers drain. On the slowest working link, draining alone takes longer than the maximum time. Accepted
 * bytes therefore count as in transit for as long as that link needs to send them, and silence begins only afterwards. The first
 * byte of the answer shows that all accepted bytes have arrived.
 */
export function watchSilence(limits: SilenceLimits, onEnd: (cause: SilenceCause) => void): SilenceWatch {
  let movedMs = performance.now();
  let drainedMs = 0;
  /** The deadline for the answer, once its headers have arrived. */
  let answerDueMs = Number.POSITIVE_INFINITY;
  const toTransferMs = (sizeBytes: number): number => (sizeBytes / limits.slowestBytesPerSecond) * 1000;
  const check = (): void => {
    const nowMs = performance.now();
    const silentMs = Math.max(movedMs, drainedMs) + limits.silenceMs;
    if (silentMs <= nowMs) onEnd('silent');
    else if (answerDueMs <= nowMs) onEnd('slow');
    else timer = setTimeout(check, Math.ceil(Math.min(silentMs, answerDueMs) - nowMs));
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
      drainedMs = Math.max(drainedMs, movedMs) + toTransferMs(sizeBytes);
    },
    received: (sizeBytes) => {
      movedMs = performance.now();
      drainedMs = 0;
      if (answerDueMs === Number.POSITIVE_INFINITY) answerDueMs = movedMs + limits.silenceMs;
      answerDueMs += toTransferMs(sizeBytes);
    },
    stop: () => clearTimeout(timer),
  };
}
