import type { Status } from '../export-manager.ts';

/** The queue and the disk in the Prometheus text format. */
export function toMetrics(status: Status): string {
  const lines: string[] = [];
  const metric = (
    type: 'gauge' | 'counter',
    name: string,
    help: string,
    values: readonly (readonly [labels: string, value: number])[],
  ): void => {
    lines.push(`# HELP d3kos_export_${name} ${help}`, `# TYPE d3kos_export_${name} ${type}`);
    for (const [labels, value] of values) lines.push(`d3kos_export_${name}${labels} ${value}`);
  };
  const gauge = metric.bind(undefined, 'gauge');
  gauge(
    'entries',
    'Entries in the queue by status.',
    Object.entries(status.counts).map(([name, n]) => [`{status="${name}"}`, n] as const),
  );
  gauge('waiting_bytes', 'Total size of the waiting export files, in bytes.', [['', status.waitingBytes]]);
  gauge('destination', 'State of central as seen from the boat.', [
    [`{state="${status.destination.state}"}`, 1],
  ]);
  gauge('disk_free_bytes', 'Free space on the disk, in bytes.', [['', status.storage.freeBytes]]);
  gauge('files_bytes', 'Total size of the export files on the disk, in bytes.', [
    ['', status.storage.exportsBytes],
  ]);
  gauge('tier', 'Tier of the boat. Absent if unknown.', status.tier === undefined ? [] : [['', status.tier]]);
  metric(
    'counter',
    'lost_by_central_total',
    'Delivered exports that central reported as missing, by what was done.',
    [
      ['{action="queued_again"}', status.missing.requeued],
      ['{action="rewound"}', status.missing.rewound],
    ],
  );
  return `${lines.join('\n')}\n`;
}
