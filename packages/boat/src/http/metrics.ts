import { CATEGORIES } from '@d3kos/protocol';
import type { Status } from '../export-manager.ts';
import type { MeasuredValues } from '../measurements.ts';

/** A metric's values: one per set of labels. */
type Values = readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];

/** The values from which the metrics are computed. */
export interface MetricFacts {
  readonly status: Status;
  readonly measured: MeasuredValues;
  readonly version: string;
}

/** A metric. Its name is prefixed with `d3kos_export_`. */
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

/** All of the boat's metrics except the commit histogram. docs/reference/metrics.md is generated from this table. */
export const METRICS: readonly Metric[] = [
  {
    name: 'info',
    type: 'gauge',
    help: "Always 1. The label gives the export manager's version.",
    values: ({ version }) => [[{ version }, 1]],
  },
  {
    name: 'tier',
    type: 'gauge',
    help: "The boat's tier. Absent if unknown.",
    values: ({ status }) => ifKnown(status.tier),
  },
  {
    name: 'entries',
    type: 'gauge',
    help: 'Number of queue entries by status.',
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
    help: "When the oldest waiting export was created, by the boat's clock. Absent if none is waiting.",
    values: ({ status }) => ifKnown(status.oldestWaiting && status.oldestWaiting.createdAtMs / 1_000),
  },
  {
    name: 'newest_receipt_timestamp_seconds',
    type: 'gauge',
    help: "When central confirmed the most recent delivery, by the boat's clock. Absent if there is none.",
    values: ({ status }) => ifKnown(status.lastDelivery && status.lastDelivery.completedAtMs / 1_000),
  },
  {
    name: 'delivered_exports_total',
    type: 'counter',
    help: 'Number of delivered exports in the ledger.',
    values: ({ status }) => one(status.delivered.exportCount),
  },
  {
    name: 'delivered_records_total',
    type: 'counter',
    help: 'Number of records in the delivered exports.',
    values: ({ status }) => one(status.delivered.recordCount),
  },
  {
    name: 'sent_bytes_total',
    type: 'counter',
    help: 'Total size of the request bodies sent to central, in bytes, as counted by the data budget.',
    values: ({ status }) => one(status.dataBudget.sentBytes),
  },
  {
    name: 'month_sent_bytes',
    type: 'gauge',
    help: 'Total size of the request bodies sent in this calendar month (UTC), in bytes.',
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
    help: "1 for the destination's current state, 0 for the other states.",
    values: ({ status }) =>
      DESTINATION_STATES.map((state) => [{ state }, status.destination.state === state ? 1 : 0]),
  },
  {
    name: 'destination_since_timestamp_seconds',
    type: 'gauge',
    help: "When the destination's current state began, by the boat's clock.",
    values: ({ status }) => one(status.destination.sinceWallMs / 1_000),
  },
  {
    name: 'outcomes_total',
    type: 'counter',
    help: 'Number of sends since the start, by the resulting decision about the export.',
    values: ({ measured }) => byName('outcome', measured.outcomes),
  },
  {
    name: 'parts_started_total',
    type: 'counter',
    help: 'Number of parts that the boat has started to send since the start.',
    values: ({ measured }) => one(measured.partsSent),
  },
  {
    name: 'lost_by_central_total',
    type: 'counter',
    help: 'Number of delivered exports that central reported as missing, by what the boat did about them.',
    values: ({ status: { missing } }) =>
      byName('action', { queued_again: missing.requeued, rewound: missing.rewound }),
  },
  {
    name: 'collector_duration_seconds',
    type: 'gauge',
    help: 'Time that the last export took to read each category. Absent until the first export after the start.',
    values: (facts) => ofCollectors(facts, ({ durationS }) => durationS),
  },
  {
    name: 'collector_records',
    type: 'gauge',
    help: 'Number of records that the last export found in each category.',
    values: (facts) => ofCollectors(facts, ({ count }) => count),
  },
  {
    name: 'collector_state',
    type: 'gauge',
    help: "Always 1. The label gives each category's state at the last export.",
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
    help: "Space kept free for the boat's other services, in bytes. With less free space, exports are refused.",
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
    help: 'Number of losses in the ledger. A loss is data dropped before central confirmed it.',
    values: ({ status }) => one(status.lossCount),
  },
];

/** The ledger commit histogram. It is not in METRICS, because histograms have their own Prometheus format. */
export const COMMIT_HISTOGRAM = {
  name: 'commit_duration_seconds',
  type: 'histogram',
  help: 'Duration of ledger commits since the start, including the sync to the card, in seconds.',
} as const;

const PREFIX = 'd3kos_export_';

/** Returns the metrics in the Prometheus text format, version 0.0.4. */
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

/** All label values are names and versions from this program, so none needs escaping. */
function toSample(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
  return `${PREFIX}${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
}
