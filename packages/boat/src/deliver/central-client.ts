import type { ContentCoding, Part } from '@d3kos/protocol';
import type { World } from '../platform/ports.ts';
import { fetchHeldParts, type HeldParts, type HeldPartsQuery } from './held-parts.ts';
import type { ProbeResult } from './outcome.ts';
import { chooseCoding } from './policy/content-coding.ts';
import { probe } from './probe.ts';
import { sendPart, type SentPart } from './send-part.ts';

/**
 * Sends requests to central. Answers and link failures are returned as results. Rejects with the signal's reason when aborted.
 */
export interface CentralClient {
  probe(signal: AbortSignal): Promise<ProbeResult>;
  /** Sends a part, compressed with the best coding offered in central's last answer. */
  sendPart(
    part: {
      readonly token: string;
      /** The boat's current ledger. */
      readonly ledgerId: string;
      readonly exportId: string;
      readonly part: Part;
      readonly body: Uint8Array;
    },
    signal: AbortSignal,
  ): Promise<SentPart>;
  fetchHeldParts(query: HeldPartsQuery & { readonly token: string }, signal: AbortSignal): Promise<HeldParts>;
}

export interface CentralClientConfig {
  /** Central's URL, without a trailing slash. */
  readonly centralUrl: string;
  /** The owner's upload rate limit, or undefined if there is none. */
  readonly bytesPerSecondMax: number | undefined;
  /** The public half of the key that signs bundles, or undefined if the boat has none. */
  readonly bundlePublicKey: string | undefined;
  /** Returns whether a time service has set the boat's clock. */
  readonly clockSynchronized: (signal: AbortSignal) => Promise<boolean>;
  /** Called whenever the link accepts a chunk of a part. */
  readonly progressed?: () => void;
}

export function createCentralClient(
  world: Pick<World, 'clock' | 'transport' | 'compressor'>,
  { centralUrl, bytesPerSecondMax, bundlePublicKey, clockSynchronized, progressed }: CentralClientConfig,
): CentralClient {
  let offered: readonly ContentCoding[] = [];
  // docs/spec/protocol.md R81: "After each start, a boat SHOULD send the public half of its key in the header `Bundle-Key` with
  // each part until it gets a receipt." Once central has the key, sending it with every part would waste bytes.
  let unsentPublicKey = bundlePublicKey;
  return {
    async probe(signal) {
      const target = { centralUrl, clockSynchronized: await clockSynchronized(signal) };
      const result = await probe(world, target, signal);
      if (result.kind === 'central') offered = result.offers;
      return result;
    },
    async sendPart(part, signal) {
      const coding = chooseCoding(offered);
      const sent = await sendPart(
        { ...world, clockSynchronized, ...(progressed === undefined ? {} : { progressed }) },
        { centralUrl, bytesPerSecondMax, coding, bundlePublicKey: unsentPublicKey, ...part },
        signal,
      );
      if (sent.outcome.kind === 'receipt') {
        offered = sent.outcome.offers;
        unsentPublicKey = undefined;
      }
      return sent;
    },
    async fetchHeldParts(query, signal) {
      const held = await fetchHeldParts(world, { centralUrl, ...query }, signal);
      if (held.offers !== undefined) offered = held.offers;
      return held;
    },
  };
}
