/** Thrown without power by synchronous work such as a SQLite transaction, which cannot wait forever. Only a simulated boat sees it. */
export class PowerLost extends Error {
  constructor() {
    super('the simulated machine has no power');
    this.name = 'PowerLost';
  }
}

/** Decides whether power fails at a step. Steps count from 1 in each boot. */
export type CutPlan = (step: { readonly number: number; readonly op: string }) => boolean;

/** The power of one boot of a machine. It can fail at each operation that changes something durable: a step. */
export interface Power {
  isOn(): boolean;
  /** Steps so far in this boot. */
  steps(): number;
  /** Counts a step. Throws PowerLost if the plan cuts power there, before the step has an effect, or if power is off. */
  step(op: string): void;
  /** Counts a step whose effect can be torn. Returns true if the plan cuts within it; the caller then calls `cut` afterwards. */
  isCutWithin(op: string): boolean;
  /** Cuts the power now and returns the error to throw. Repeating it has no effect. */
  cut(): PowerLost;
  /** Runs `stop` at the cut, in the order of these calls. */
  onCut(stop: () => void): void;
  /** Resolves at the cut. */
  readonly lost: Promise<void>;
}

/** Never settles: an operation of a machine without power. */
export function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

/** Power that is on until `plan` or `cut` ends it. */
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
