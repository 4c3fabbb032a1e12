import {
  type AdmissionLimits,
  type AdmissionVerdict,
  judgeAdmission,
  mayHold,
  mayWait,
} from '../import/policy.ts';

/** One request that was admitted. */
export interface Ticket {
  /** Counts bytes of its body; false where the node has no room for them. */
  hold(sizeBytes: number): boolean;
  /** Resolves when it may be stored, first come first served; false at once where the line is full. */
  turn(): Promise<boolean>;
  /** Gives back everything it took; exactly once, at its end. */
  leave(): void;
}

/** The imports under way on this node. */
export interface Admission {
  enter(
    installationId: string,
  ):
    | { readonly kind: 'admit'; readonly ticket: Ticket }
    | { readonly kind: Exclude<AdmissionVerdict, 'admit'> };
  /** How many are under way: arriving, waiting for their turn, or being stored. */
  underWay(): number;
}

/** Counts imports under way against the limits, per node and per installation. */
export function createAdmission(limits: AdmissionLimits): Admission {
  const perInstallation = new Map<string, number>();
  /** Whole bodies in their order; each is called when its turn comes. */
  const line: (() => void)[] = [];
  let underWay = 0;
  let storing = 0;
  let heldBytes = 0;

  const leaveInstallation = (installationId: string) => {
    const left = (perInstallation.get(installationId) ?? 1) - 1;
    if (left === 0) perInstallation.delete(installationId);
    else perInstallation.set(installationId, left);
  };
  const toTicket = (installationId: string): Ticket => {
    let ownBytes = 0;
    let hasTurn = false;
    return {
      hold(sizeBytes) {
        if (!mayHold(heldBytes, sizeBytes, limits)) return false;
        ownBytes += sizeBytes;
        heldBytes += sizeBytes;
        return true;
      },
      async turn() {
        if (storing >= limits.importsMax) {
          if (!mayWait(line.length, limits)) return false;
          // Whoever ends hands its own place over, so that nobody slips in between.
          await new Promise<void>((resolve) => line.push(resolve));
        } else storing += 1;
        hasTurn = true;
        return true;
      },
      leave() {
        underWay -= 1;
        heldBytes -= ownBytes;
        leaveInstallation(installationId);
        if (!hasTurn) return;
        const next = line.shift();
        if (next === undefined) storing -= 1;
        else next();
      },
    };
  };
  return {
    enter(installationId) {
      const installationImports = perInstallation.get(installationId) ?? 0;
      const verdict = judgeAdmission({ waiting: line.length, installationImports }, limits);
      if (verdict !== 'admit') return { kind: verdict };
      underWay += 1;
      perInstallation.set(installationId, installationImports + 1);
      return { kind: 'admit', ticket: toTicket(installationId) };
    },
    underWay: () => underWay,
  };
}
