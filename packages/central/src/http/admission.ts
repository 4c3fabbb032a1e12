import { type AdmissionLimits, type AdmissionVerdict, judgeAdmission } from '../import/policy.ts';

/** The imports under way on this node. */
export interface Admission {
  /** Takes a place; `leave` must follow exactly when the verdict is `admit`. */
  enter(installationId: string): AdmissionVerdict;
  leave(installationId: string): void;
  /** How many are under way. */
  underWay(): number;
}

/** Counts imports under way against the limits, per node and per installation. */
export function createAdmission(limits: AdmissionLimits): Admission {
  const perInstallation = new Map<string, number>();
  let imports = 0;
  return {
    enter(installationId) {
      const installationImports = perInstallation.get(installationId) ?? 0;
      const verdict = judgeAdmission({ imports, installationImports }, limits);
      if (verdict === 'admit') {
        imports += 1;
        perInstallation.set(installationId, installationImports + 1);
      }
      return verdict;
    },
    leave(installationId) {
      imports -= 1;
      const left = (perInstallation.get(installationId) ?? 1) - 1;
      if (left === 0) perInstallation.delete(installationId);
      else perInstallation.set(installationId, left);
    },
    underWay: () => imports,
  };
}
