import type { Refusal } from '../api/refusals.ts';
import { type CentralFailureCode, isCentralFailure } from '../platform/errors.ts';
import { type Refused, refuse } from './reply.ts';

/** Runs `work` and converts failures with these codes to refusals. Rethrows every other failure. */
export async function refuseFailures<T, R extends Refusal>(
  refusals: Partial<Record<CentralFailureCode, R>>,
  work: () => Promise<T>,
): Promise<T | Refused<R>> {
  try {
    return await work();
  } catch (error) {
    const refusal = isCentralFailure(error) ? refusals[error.code] : undefined;
    if (refusal === undefined || !isCentralFailure(error)) throw error;
    return refuse(refusal, error.message);
  }
}
