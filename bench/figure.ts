/** A measured value and its target. */
export interface Figure {
  /** Name in the form `<bench>.<what>`, the same in every run. */
  readonly figure: string;
  /** Null if the value could not be measured. `note` then contains the reason. */
  readonly value: number | null;
  readonly unit: string;
  /** Null if the figure has no target. */
  readonly target: number | null;
  /** False if the target was missed, or if a figure with a target was not measured. */
  readonly ok: boolean;
  /** The method, or the reason why the value was not measured. */
  readonly note?: string;
}

/** A figure's target. `orientation` does not count as a target. */
export type Bound = { readonly atLeast: number } | { readonly atMost: number } | 'orientation';

/** Compares a value with its bound, and rounds it for display. */
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

/** Returns a figure that could not be measured on this machine. Its target counts as missed. */
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

/** Returns the median. Throws if there are no values. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * Returns the median ratio of paired measurements. Constant load on the machine slows down both sides of a pair, and a
 * short disturbance affects only one pair.
 */
export function medianRatio(values: readonly number[], others: readonly number[]): number {
  return median(values.map((value, at) => value / (others[at] ?? Number.NaN)));
}

/** Returns a quantile with linear interpolation. Throws if there are no values. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(at)];
  const above = sorted[Math.ceil(at)];
  if (below === undefined || above === undefined) throw new Error('a quantile needs at least one value');
  return below + (above - below) * (at - Math.floor(at));
}

/** Formats figures as a table. */
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
