import type { Figure } from './figure.ts';

/** What the command line asks of a bench. */
export interface BenchOptions {
  /** Boatlog entries of the large boat. */
  readonly rows: number;
  /** How often each side of a comparison is measured; figures are medians. */
  readonly repetitions: number;
  /** How long the idle daemon is watched. */
  readonly idleSeconds: number;
}

/** One run of a bench: where it may write, how it tells, and when it has to stop. */
export interface BenchRun {
  readonly options: BenchOptions;
  /** A folder of its own on the measured disk, removed after the run. */
  readonly folder: string;
  /** Aborted when the run has to end; every child is started with it. */
  readonly signal: AbortSignal;
  report(figure: Figure): void;
  /** Says what is going on, for the person who waits. */
  say(text: string): void;
}

/** Measures, reports figures as they come, leaves no process behind. Rejects only where the bench itself broke. */
export type Bench = (run: BenchRun) => Promise<void>;
