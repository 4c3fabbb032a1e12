import type { Figure } from './figure.ts';

/** Options from the command line. */
export interface BenchOptions {
  /** Number of boatlog entries on the large boat. */
  readonly rows: number;
  /** Number of measurements for each side of a comparison. Figures are medians. */
  readonly repetitions: number;
  /** Duration of the idle measurement. */
  readonly idleSeconds: number;
}

/** One run of a benchmark, with its folder, its output and its abort signal. */
export interface BenchRun {
  readonly options: BenchOptions;
  /** The run's folder on the measured disk. It is removed after the run. */
  readonly folder: string;
  /** Aborted when the run must end. Every child process is started with this signal. */
  readonly signal: AbortSignal;
  report(figure: Figure): void;
  /** Prints progress to standard error. */
  logProgress(text: string): void;
}

/**
 * Measures the figures and reports each one as soon as it is available. Leaves no process behind. Rejects if the benchmark itself
 * fails to run.
 */
export type Bench = (run: BenchRun) => Promise<void>;
