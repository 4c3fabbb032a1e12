// `npm run scale [-- BOATS …]`: prints the size and cost of central for fleets of these sizes, computed from the measured
// figures in bench/scale-figures.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figure } from '../bench/figure.ts';
import { toExportCost, toFleetSize, toScaleTable } from './scale-model.ts';

const DEFAULT_FLEETS = [1_000, 100_000, 10_000_000];

const asked = process.argv.slice(2);
const fleets = asked.length === 0 ? DEFAULT_FLEETS : asked.map(Number);
if (!fleets.every((boats) => Number.isInteger(boats) && boats > 0)) {
  console.error('usage: npm run scale [-- BOATS …], with positive integers');
  process.exit(2);
}
// The file is part of the repository, and a test reads it.
const { figures } = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'bench', 'scale-figures.json'), 'utf8'),
) as { readonly figures: readonly Figure[] };
const cost = toExportCost(figures);
for (const line of toScaleTable(fleets.map((boats) => toFleetSize(boats, cost)))) console.log(line);
