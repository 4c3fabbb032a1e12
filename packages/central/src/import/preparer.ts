import type { ContentCoding } from '@d3kos/protocol';
import { type DecodedBody, decodeBody } from './decode-body.ts';
import { type PartToPrepare, type Preparation, preparePart } from './prepare-part.ts';

/** A body as received. */
export interface BodyToDecode {
  readonly bytes: Uint8Array;
  readonly coding: ContentCoding;
  readonly sizeMaxBytes: number;
}

/** The result of the work on a body and the CPU time that it took, or why there is no result. */
export type Worked<Result> = (
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'exceeded'; readonly limit: 'time' | 'memory' }
  /** The work threw an error, which is a defect. */
  | { readonly kind: 'failed'; readonly error: unknown }
) & { readonly cpuMs: number };

/**
 * Decodes bodies and prepares parts. An implementation that uses another thread takes ownership of the bytes. `thread-policy.ts`
 * chooses an implementation by the size of the body. Both functions reject only if the work cannot begin.
 */
export interface Preparer {
  decode(body: BodyToDecode, rank: () => number): Promise<Worked<DecodedBody>>;
  prepare(part: PartToPrepare, rank: () => number): Promise<Worked<Preparation>>;
}

/**
 * Charges the CPU time of work on a body, and returns the work. Throws the error of failed work after charging its time, because a
 * body that causes a defect would otherwise cost its sender nothing.
 */
export function chargeWork<Result>(
  worked: Worked<Result>,
  charge: (cpuMs: number) => void,
): Exclude<Worked<Result>, { readonly kind: 'failed' }> {
  charge(worked.cpuMs);
  if (worked.kind === 'failed') throw worked.error;
  return worked;
}

/** A preparer that works immediately on its caller's thread. `monotonic` measures the time of the work. */
export function createInlinePreparer(monotonic: () => number): Preparer {
  const measure = <Result>(work: () => Result): Worked<Result> => {
    const startedMs = monotonic();
    try {
      const result = work();
      return { kind: 'done', result, cpuMs: monotonic() - startedMs };
    } catch (error) {
      return { kind: 'failed', error, cpuMs: monotonic() - startedMs };
    }
  };
  return {
    decode: async ({ bytes, coding, sizeMaxBytes }) => measure(() => decodeBody(bytes, coding, sizeMaxBytes)),
    prepare: async (part) => measure(() => preparePart(part)),
  };
}
