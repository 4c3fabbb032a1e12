/** Thrown by what cannot wait forever (a SQLite transaction) when the power is gone. Only a simulated boat ever sees it. */
export class PowerLost extends Error {
  constructor() {
    super('the simulated machine has no power');
    this.name = 'PowerLost';
  }
}

/** Decides whether power fails at a step. Steps count from 1 within one boot. */
export type CutPlan = (step: { readonly number: number; readonly op: string }) => boolean;

/** The power of one boot of a machine. Every operation that changes something durable is a step at which it can fail. */
export interface Power {
  isOn(): boolean;
  /** Steps so far in this boot. */
  steps(): number;
  /** Counts a step at which power fails before it has any effect, if the plan says so. Throws PowerLost then, and when power is off. */
  step(op: string): void;
  /** Counts a step whose effect can be torn: true where the plan cuts within it, and then the caller calls `cut` afterwards. */
  isCutWithin(op: string): boolean;
  /** Takes the power away now; gives the error to throw. Again is harmless. */
  cut(): PowerLost;
  /** Runs `stop` at the moment of the cut, in the order of the calls. */
  onCut(stop: () => void): void;
  /** Resolves at the cut. */
  readonly lost: Promise<void>;
}

/** Never resolves: how an operation of a machine without power ends. */
export function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

/** Power that is on, until `plan` or `cut` ends it. */
export function createPower(plan: CutPlan): Power {
  let isOn = true;
  let number = 0;
  const stops: (() => void)[] = [];
  const { promise: lost, resolve: tellLost } = Promise.withResolvers<void>();
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
        tellLost();
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
