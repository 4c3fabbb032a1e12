import { type AdmissionLimits, type AdmissionRefusal, judgeAdmission, mayHold, mayWait } from './policy.ts';

/** One admitted request. */
export interface AdmittedRequest {
  /** Counts bytes of its body as held. False, and nothing counted, if they exceed the limit. */
  hold(sizeBytes: number): boolean;
  /** Resolves with true once the request has a permit, in order of arrival; with false at once if the queue is full. */
  acquirePermit(): Promise<boolean>;
  /** Releases everything the request holds. Call it exactly once, at the end of the request. */
  release(): void;
}

export type AdmissionResult =
  { readonly kind: 'admitted'; readonly request: AdmittedRequest } | { readonly kind: AdmissionRefusal };

/** A request that counts against no limit. */
export const UNLIMITED_REQUEST: AdmittedRequest = {
  hold: () => true,
  acquirePermit: async () => true,
  release: () => undefined,
};

/** Admission of one kind of request at this node. */
export interface Admission {
  admit(installationId: string): AdmissionResult;
  /** Requests in progress: receiving a body, waiting for a permit, or holding one. */
  inProgress(): number;
}

/** Counts the requests in progress against `limits`, per node and per installation. */
export function createAdmission(limits: AdmissionLimits): Admission {
  const installationRequests = new Map<string, number>();
  /** Requests waiting for a permit, in order of arrival; calling one gives it the permit. */
  const queue: (() => void)[] = [];
  let inProgress = 0;
  let permitsTaken = 0;
  let heldBytes = 0;

  const releasePermit = () => {
    // The permit goes to the next in the queue directly, so that no later request takes it in between.
    const next = queue.shift();
    if (next === undefined) permitsTaken -= 1;
    else next();
  };
  const toAdmitted = (installationId: string): AdmittedRequest => {
    let ownBytes = 0;
    let hasPermit = false;
    return {
      hold(sizeBytes) {
        if (!mayHold(heldBytes, sizeBytes, limits)) return false;
        ownBytes += sizeBytes;
        heldBytes += sizeBytes;
        return true;
      },
      async acquirePermit() {
        if (permitsTaken >= limits.permitsMax) {
          if (!mayWait(queue.length, limits)) return false;
          await new Promise<void>((resolve) => queue.push(resolve));
        } else permitsTaken += 1;
        hasPermit = true;
        return true;
      },
      release() {
        inProgress -= 1;
        heldBytes -= ownBytes;
        const left = (installationRequests.get(installationId) ?? 1) - 1;
        if (left === 0) installationRequests.delete(installationId);
        else installationRequests.set(installationId, left);
        if (hasPermit) releasePermit();
      },
    };
  };
  return {
    admit(installationId) {
      const own = installationRequests.get(installationId) ?? 0;
      const verdict = judgeAdmission({ waiting: queue.length, installationRequests: own }, limits);
      if (verdict !== 'admitted') return { kind: verdict };
      inProgress += 1;
      installationRequests.set(installationId, own + 1);
      return { kind: 'admitted', request: toAdmitted(installationId) };
    },
    inProgress: () => inProgress,
  };
}
