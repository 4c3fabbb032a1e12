/** One measured number beside what it should be. */
export interface Figure {
  /** `<bench>.<what>`, stable from run to run. */
  readonly figure: string;
  /** Null where it could not be measured here; `note` says why. */
  readonly value: number | null;
  readonly unit: string;
  /** Null: told for orientation, nothing is asked of it. */
  readonly target: number | null;
  /** False for a missed target and for a targeted figure that was not measured. */
  readonly ok: boolean;
  /** How it was measured, or why it was not. */
  readonly note?: string;
}

/** What is asked of a figure. `orientation`: nothing. */
export type Bound = { readonly atLeast: number } | { readonly atMost: number } | 'orientation';

/** Judges a value against its bound, and rounds it to what can be read. */
export function toFigure(figure: string, value: number, unit: string, bound: Bound, note?: string): Figure {
  return {
    figure,
    value: round(value),
    unit,
    target: toTarget(bound),
    ok: isMet(value, bound),
    ...(note === undefined ? {} : { note }),
  };
}

/** A figure that could not be measured on this machine. A target that nobody measured is not met. */
export function toUnmeasured(figure: string, unit: string, bound: Bound, why: string): Figure {
  return { figure, value: null, unit, target: toTarget(bound), ok: bound === 'orientation', note: why };
}

function toTarget(bound: Bound): number | null {
  if (bound === 'orientation') return null;
  return 'atLeast' in bound ? bound.atLeast : bound.atMost;
}

function isMet(value: number, bound: Bound): boolean {
  if (bound === 'orientation') return true;
  return 'atLeast' in bound ? value >= bound.atLeast : value <= bound.atMost;
}

function round(value: number): number {
  if (Math.abs(value) >= 100) return Math.round(value);
  return Number(value.toPrecision(3));
}

/** The middle value; of an even count the mean of the two in the middle. Throws for no values. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * The middle of the ratios of what was measured one after the other: other work on the machine slows both sides of a
 * pair, and a disturbed pair is one pair.
 */
export function medianRatio(values: readonly number[], others: readonly number[]): number {
  return median(values.map((value, at) => value / (others[at] ?? Number.NaN)));
}

/** The value below which `fraction` of the values lie, between neighbours in proportion. Throws for no values. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(at)];
  const above = sorted[Math.ceil(at)];
  if (below === undefined || above === undefined) throw new Error('there is no median of nothing');
  return below + (above - below) * (at - Math.floor(at));
}

/** Figures as lines for a person, in columns. */
export function toTable(figures: readonly Figure[]): readonly string[] {
  const rows = figures.map((one) => [
    one.figure,
    one.value === null ? 'not measured' : `${one.value} ${one.unit}`,
    one.target === null ? '' : `${one.target} ${one.unit}`,
    one.target === null ? '' : one.ok ? 'ok' : 'MISSED',
    one.note ?? '',
  ]);
  const titles = ['figure', 'value', 'target', '', ''];
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  return [titles, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
