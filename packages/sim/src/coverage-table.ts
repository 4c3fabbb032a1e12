/** The seeds in which each thing was met, and how often in all, most seeds first, as lines for a person. */
export function toCoverageTable(seeds: readonly ReadonlyMap<string, number>[]): readonly string[] {
  const rows = new Map<string, { seeds: number; times: number }>();
  for (const met of seeds)
    for (const [name, times] of met) {
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
