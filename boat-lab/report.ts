import type { CardMeasurement } from './boat-card.ts';
import type { StartMeasurement } from './boat-service.ts';

/** A run's totals. */
export interface RunCounts {
  lives: number;
  boots: number;
  cuts: number;
  acknowledged: number;
  delivered: number;
  failed: number;
  readonly starts: StartMeasurement[];
}

/** The last line of a run. A failed life's line states what was lost, stored twice or stuck. */
export function describeRun(counts: RunCounts): string {
  const { lives, boots, cuts, acknowledged, delivered, failed } = counts;
  const outcome = failed === 0 ? '0 lost, 0 twice, 0 stuck' : `${failed} lives FAILED`;
  return `${lives} lives, ${boots} boots, ${cuts} power cuts; ${acknowledged} exports acknowledged, ${delivered} delivered: ${outcome}`;
}

/** What installing and starting the export manager cost, with this machine's current load. */
export function describeStarts(
  card: CardMeasurement,
  starts: readonly StartMeasurement[],
  [load = 0]: readonly number[],
): string {
  const all = [card, ...starts];
  const toRange = (values: readonly number[], digits: number): string => {
    const [least, most] = [Math.min(...values).toFixed(digits), Math.max(...values).toFixed(digits)];
    return least === most ? least : `${least} to ${most}`;
  };
  const seconds = toRange(
    all.map(({ startMs }) => startMs / 1_000),
    1,
  );
  const megabytes = toRange(
    all.map(({ residentKb }) => residentKb / 1_000),
    0,
  );
  return `arm64, emulated: dpkg -i took ${card.installationS} s, the export manager answered after ${seconds} s and used ${megabytes} MB (load of this machine: ${load.toFixed(1)})`;
}
