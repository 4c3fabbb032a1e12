import { CATEGORIES } from '@d3kos/protocol';
import type { Status } from '../export-manager.ts';
import type { MeasuredValues } from '../measurements.ts';

/** The values of a metric: one for each set of labels. */
type Values = readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];

/** The values from which the metrics are computed. */
export interface MetricFacts {
  readonly status: Status;
  readonly measured: MeasuredValues;
  readonly version: string;
}

/** A metric. Its name has the prefix `d3kos_export_`. */
export interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly values: (facts: MetricFacts) => Values;
}

const DESTINATION_STATES: readonly Status['destination']['state'][] = [
  'unknown',
  'online',
  'offline',
  'captive_portal',
  'untrusted',
  'clock_wrong',
  'unavailable',
  'blocked',
];

const one = (value: number): Values => [[{}, value]];
const ifKnown = (value: number | undefined): Values => (value === undefined ? [] : one(value));
const byName = (label: string, values: Readonly<Record<string, number>>): Values =>
  Object.entries(values).map(([name, value]) => [{ [label]: name }, value]);
const ofCollectors = (
  { measured }: MetricFacts,
  toValue: (
    collector: NonNullable<MeasuredValues['collectors'][keyof MeasuredValues['collectors']]>,
  ) => number,
): Values =>
  CATEGORIES.flatMap((category) => {
    const collector = measured.collectors[category];
    return collector === undefined ? [] : [[{ category }, toValue(collector)] as const];
  });

/** Every metric of the boat except the commit histogram. docs/reference/metrics.md is derived from this table. */
export const METRICS: readonly Metric[] = [
  {
    name: 'info',
    type: 'gauge',
    help: 'Always 1. The label has the version of the export manager.',
    values: ({ version }) => [[{ version }, 1]],
  },
  {
    name: 'tier',
    type: 'gauge',
    help: 'Tier of the boat. Absent if unknown.',
    values: ({ status }) => ifKnown(status.tier),
  },
  {
    name: 'entries',
    type: 'gauge',
    help: 'Entries in the queue by status.',
    values: ({ status }) => byName('status', { ...status.counts }),
  },
  {
    name: 'waiting_bytes',
    type: 'gauge',
    help: 'Total size of the waiting export files, in bytes.',
    values: ({ status }) => one(status.waitingBytes),
  },
  {
    name: 'oldest_waiting_timestamp_seconds',
    type: 'gauge',
    help: 'When the oldest waiting export was made, by the clock of the boat. Absent if none is waiting.',
    values: ({ status }) => ifKnown(status.oldestWaiting && status.oldestWaiting.createdAtMs / 1_000),
  },
  {
    name: 'newest_receipt_timestamp_seconds',
    type: 'gauge',
    help: 'When central confirmed the newest delivered export, by the clock of the boat. Absent if there is none.',
    values: ({ status }) => ifKnown(status.lastDelivery && status.lastDelivery.completedAtMs / 1_000),
  },
  {
    name: 'delivered_exports_total',
    type: 'counter',
    help: 'Delivered exports in the ledger.',
    values: ({ status }) => one(status.delivered.exportCount),
  },
  {
    name: 'delivered_records_total',
    type: 'counter',
    help: 'Records in the delivered exports.',
    values: ({ status }) => one(status.delivered.recordCount),
  },
  {
    name: 'sent_bytes_total',
    type: 'counter',
    help: 'Size of the request bodies sent to central, in bytes, as the data budget counts them.',
    values: ({ status }) => one(status.dataBudget.sentBytes),
  },
  {
    name: 'month_sent_bytes',
    type: 'gauge',
    help: 'Size of the request bodies sent in this calendar month (UTC), in bytes.',
    values: ({ status }) => one(status.dataBudget.monthBytes),
  },
  {
    name: 'send_held',
    type: 'gauge',
    help: '1 if a due export waits because of the data budget, by reason. Absent otherwise.',
    values: ({ status: { dataBudget } }) =>
      dataBudget.hold === undefined ? [] : [[{ reason: dataBudget.hold }, 1]],
  },
  {
    name: 'destination',
    type: 'gauge',
    help: '1 for the state of central as seen from the boat, 0 for the other states.',
    values: ({ status }) =>
      DESTINATION_STATES.map((state) => [{ state }, status.destination.state === state ? 1 : 0]),
  },
  {
    name: 'destination_since_timestamp_seconds',
    type: 'gauge',
    help: 'When the state of central began, by the clock of the boat.',
    values: ({ status }) => one(status.destination.sinceWallMs / 1_000),
  },
  {
    name: 'outcomes_total',
    type: 'counter',
    help: 'Results of sends since the start, by the decision about the export.',
    values: ({ measured }) => byName('outcome', measured.outcomes),
  },
  {
    name: 'parts_started_total',
    type: 'counter',
    help: 'Parts that the boat has begun to send since the start.',
    values: ({ measured }) => one(measured.partsSent),
  },
  {
    name: 'lost_by_central_total',
    type: 'counter',
    help: 'Delivered exports that central reported as missing, by what the boat did.',
    values: ({ status: { missing } }) =>
      byName('action', { queued_again: missing.requeued, rewound: missing.rewound }),
  },
  {
    name: 'collector_duration_seconds',
    type: 'gauge',
    help: 'How long the last export took to read each category. Absent before the first export since the start.',
    values: (facts) => ofCollectors(facts, ({ durationS }) => durationS),
  },
  {
    name: 'collector_records',
    type: 'gauge',
    help: 'Records that the last export found in each category.',
    values: (facts) => ofCollectors(facts, ({ count }) => count),
  },
  {
    name: 'collector_state',
    type: 'gauge',
    help: 'Always 1. The label has the state of each category at the last export.',
    values: ({ measured }) =>
      CATEGORIES.flatMap((category) => {
        const state = measured.collectors[category]?.state;
        return state === undefined ? [] : [[{ category, state }, 1] as const];
      }),
  },
  {
    name: 'disk_free_bytes',
    type: 'gauge',
    help: 'Free space on the disk, in bytes.',
    values: ({ status }) => one(status.storage.freeBytes),
  },
  {
    name: 'disk_reserve_bytes',
    type: 'gauge',
    help: "Space that is kept free for the boat's other services, in bytes. Below it, exports are refused.",
    values: ({ status }) => one(status.storage.reserveBytes),
  },
  {
    name: 'files_bytes',
    type: 'gauge',
    help: 'Total size of the export files on the disk, in bytes.',
    values: ({ status }) => one(status.storage.exportsBytes),
  },
  {
    name: 'losses',
    type: 'gauge',
    help: 'Losses in the ledger: bytes that were dropped before central confirmed them.',
    values: ({ status }) => one(status.lossCount),
  },
];

/** The histogram of the ledger's commits. It is not in the table, because it has its own Prometheus format. */
export const COMMIT_HISTOGRAM = {
  name: 'commit_duration_seconds',
  type: 'histogram',
  help: 'Duration of the commits to the ledger since the start, including the sync to the card, in seconds.',
} as const;

const PREFIX = 'd3kos_export_';

/** The state of the export manager in the Prometheus text format, version 0.0.4. */
export function toMetrics(facts: MetricFacts): string {
  const lines = METRICS.flatMap(({ name, type, help, values }) => [
    ...toHead(name, type, help),
    ...values(facts).map(([labels, value]) => toSample(name, labels, value)),
  ]);
  const { name, type, help } = COMMIT_HISTOGRAM;
  const { boundsS, upTo, count, sumS } = facts.measured.commits;
  const buckets = boundsS.map((boundS, at) =>
    toSample(`${name}_bucket`, { le: String(boundS) }, upTo[at] ?? 0),
  );
  lines.push(...toHead(name, type, help), ...buckets);
  lines.push(toSample(`${name}_bucket`, { le: '+Inf' }, count));
  lines.push(toSample(`${name}_sum`, {}, sumS), toSample(`${name}_count`, {}, count));
  return `${lines.join('\n')}\n`;
}

function toHead(name: string, type: string, help: string): readonly string[] {
  return [`# HELP ${PREFIX}${name} ${help}`, `# TYPE ${PREFIX}${name} ${type}`];
}

/** All label values are names and versions of this program, so none needs an escape. */
function toSample(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
  return `${PREFIX}${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
}
