import { createHeldBytes, type Upload } from './held-bytes.ts';
import { createPermits } from './permits.ts';
import {
  type AdmissionLimits,
  type AdmissionRefusal,
  hasWaitedTooLong,
  judgeAdmission,
  type Lane,
} from './policy.ts';
import type { WorkMeter } from './work-meter.ts';

/** One admitted request. */
export interface AdmittedRequest {
  /** Counts the bytes of the request body that are held in memory. */
  readonly upload: Pick<Upload, 'hold' | 'onEviction' | 'complete'>;
  /**
   * Resolves with true once the request has a permit for the lane, or with false if too many requests are waiting or this one
   * has waited too long (`hasWaitedTooLong`).
   */
  acquirePermit(lane: Lane): Promise<boolean>;
  /** Returns the installation's recent CPU time. Among waiting requests, those with the lowest value are served first. */
  rank(): number;
  /** Charges CPU time to the installation. */
  charge(cpuMs: number): void;
  /** Releases the permit and the body's bytes. Call it once the work is done, before sending the answer. */
  endWork(): void;
  /** Releases the request's permit, bytes and place in the counts. Only the first call has an effect. */
  release(): void;
}

export type AdmissionResult =
  { readonly kind: 'admitted'; readonly request: AdmittedRequest } | { readonly kind: AdmissionRefusal };

/** A request that is exempt from all limits. */
export const UNLIMITED_REQUEST: AdmittedRequest = {
  upload: { hold: () => undefined, onEviction: () => undefined, complete: () => undefined },
  acquirePermit: async () => true,
  rank: () => 0,
  charge: () => undefined,
  endWork: () => undefined,
  release: () => undefined,
};

/** Admits one kind of request on this node. */
export interface Admission {
  admit(installationId: string): AdmissionResult;
  /** Requests in progress: receiving a body, waiting for a permit, or holding one. */
  inProgress(): number;
  /** Requests waiting for a permit. */
  waiting(): Readonly<Record<Lane, number>>;
  /** Bytes of request bodies in memory. */
  heldBytes(): number;
}

/** Counts the requests in progress against `limits`, per node and per installation. */
export function createAdmission(
  limits: AdmissionLimits,
  meter: WorkMeter,
  monotonic: () => number,
): Admission {
  const installationRequests = new Map<string, number>();
  const held = createHeldBytes(limits, monotonic);
  const lanes = { light: createPermits(limits.permitsMax), heavy: createPermits(limits.heavyPermitsMax) };
  let inProgress = 0;

  const begin = (installationId: string): AdmittedRequest => {
    const upload = held.begin(installationId);
    const rank = () => meter.spentMs(installationId);
    let lane: Lane | undefined;
    let isReleased = false;
    const endWork = () => {
      upload.release();
      if (lane !== undefined) lanes[lane].release();
      lane = undefined;
    };
    return {
      upload,
      async acquirePermit(wanted) {
        const startedMs = monotonic();
        if (!(await lanes[wanted].acquire(rank))) return false;
        lane = wanted;
        return !hasWaitedTooLong(monotonic() - startedMs);
      },
      rank,
      charge: (cpuMs) => meter.charge(installationId, cpuMs),
      endWork,
      release() {
        if (isReleased) return;
        isReleased = true;
        inProgress -= 1;
        endWork();
        const left = (installationRequests.get(installationId) ?? 1) - 1;
        if (left === 0) installationRequests.delete(installationId);
        else installationRequests.set(installationId, left);
      },
    };
  };
  return {
    admit(installationId) {
      const own = installationRequests.get(installationId) ?? 0;
      const verdict = judgeAdmission(
        {
          isQueueFull: lanes.light.isFull(),
          installationRequests: own,
          spentMs: meter.spentMs(installationId),
        },
        limits,
      );
      if (verdict !== 'admitted') return { kind: verdict };
      inProgress += 1;
      meter.countRequest(installationId);
      installationRequests.set(installationId, own + 1);
      return { kind: 'admitted', request: begin(installationId) };
    },
    inProgress: () => inProgress,
    waiting: () => ({ light: lanes.light.waiting(), heavy: lanes.heavy.waiting() }),
    heldBytes: held.total,
  };
}
