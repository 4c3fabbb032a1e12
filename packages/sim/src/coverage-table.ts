import type { Coverage } from './coverage.ts';

/**
 * Formats the coverage of several runs as a table with the number of seeds and occurrences for each name, most frequent first.
 */
export function toCoverageTable(seeds: readonly Coverage[]): readonly string[] {
  const rows = new Map<string, { readonly seeds: number; readonly times: number }>();
  for (const coverage of seeds)
    for (const [name, times] of coverage) {
      const row = rows.get(name) ?? { seeds: 0, times: 0 };
      rows.set(name, { seeds: row.seeds + 1, times: row.times + times });
    }
  const sorted = [...rows].sort(([one, a], [other, b]) => b.seeds - a.seeds || one.localeCompare(other));
  return [
    `${'seeds'.padStart(6)} ${'share'.padStart(6)} ${'times'.padStart(8)}  met`,
    ...sorted.map(
      ([name, row]) =>
        `${String(row.seeds).padStart(6)} ${`${Math.round((100 * row.seeds) / seeds.length)} %`.padStart(6)} ${String(row.times).padStart(8)}  ${name}`,
    ),
  ];
}
