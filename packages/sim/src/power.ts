/**
 * Thrown when synchronous work, such as a SQLite transaction, is called without power, because synchronous work cannot wait
 * forever. It occurs only on a simulated boat.
 */
export class PowerLost extends Error {
  constructor() {
    super('the simulated machine has no power');
    this.name = 'PowerLost';
  }
}

/** Decides whether power fails at a step. Steps count from 1 in each boot. */
export type CutPlan = (step: { readonly number: number; readonly op: string }) => boolean;

/** A machine's power during one boot. It can fail at each operation that changes something durable, called a step. */
export interface Power {
  isOn(): boolean;
  /** Number of steps so far in this boot. */
  steps(): number;
  /**
   * Counts a step. Throws PowerLost if the plan cuts power at this step, before the step has an effect, or if power is already
   * off.
   */
  step(op: string): void;
  /**
   * Counts a step whose effect can be torn. Returns true if the plan cuts power within the step. The caller then calls `cut`
   * after the step.
   */
  isCutWithin(op: string): boolean;
  /** Cuts power now and returns the error to throw. Further calls have no effect. */
  cut(): PowerLost;
  /** Registers `stop` to run at the cut. The functions run in the order of registration. */
  onCut(stop: () => void): void;
  /** Resolves when power is cut. */
  readonly lost: Promise<void>;
}

/** Never settles. Represents an operation on a machine without power. */
export function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

/** Creates power that is on until `plan` or `cut` cuts it. */
export function createPower(plan: CutPlan): Power {
  let isOn = true;
  let number = 0;
  const stops: (() => void)[] = [];
  const { promise: lost, resolve: resolveLost } = Promise.withResolvers<void>();
  const power: Power = {
    isOn: () => isOn,
    steps: () => number,
    step: (op) => {
      if (power.isCutWithin(op)) throw power.cut();
    },
    isCutWithin: (op) => {
      if (!isOn) throw new PowerLost();
      number += 1;
      return plan({ number, op });
    },
    cut: () => {
      if (isOn) {
        isOn = false;
        for (const stop of stops) stop();
        resolveLost();
      }
      return new PowerLost();
    },
    onCut: (stop) => {
      stops.push(stop);
    },
    lost,
  };
  return power;
}
