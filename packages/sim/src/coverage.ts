import type { DeliveryEvent } from '../../boat/src/deliver/delivery-event.ts';
import type { ExchangeEvent, SimEvent } from './events.ts';
import { IMPORT_PATH } from '@d3kos/protocol';
import type { Plan } from './plan.ts';
import { DAY_MS } from './plan-times.ts';

/** How often each kind of fault and each behaviour of the boat occurred in a run, by name. */
export type Coverage = ReadonlyMap<string, number>;

/** A clock that is further behind than this shows 1970, because it was never set. */
const FAR_BEHIND_MS = 50 * 365 * DAY_MS;

/**
 * Reads a run's coverage from its events. The plan alone is not enough, because a planned fault may occur while the boat is idle.
 */
export function measureCoverage(events: readonly SimEvent[], plan: Plan): Coverage {
  const coverage = new Map<string, number>();
  const names = events.flatMap((event) => toName(event, plan) ?? []);
  const { legacyQueue } = plan.boat;
  if (legacyQueue !== undefined) names.push(`legacy queue, ${legacyQueue.format}`);
  if (legacyQueue?.isTorn === true) names.push('legacy queue, torn');
  if (plan.boat.hasMalformedFiles) names.push('odd files');
  for (const name of names) coverage.set(name, (coverage.get(name) ?? 0) + 1);
  return coverage;
}

/** Returns the coverage name or names to which an event counts, or undefined. */
function toName(event: SimEvent, plan: Plan): string | readonly string[] | undefined {
  switch (event.kind) {
    case 'incident_began':
      return event.incident.kind === 'link' ? `link ${event.incident.state}` : event.incident.kind;
    case 'exchange':
      return toExchangeName(event);
    case 'power_lost':
      return 'power lost';
    case 'boot':
      return toBootName(plan.boots[event.boot - 1]?.clockBehindMs ?? 0);
    case 'delivery':
      return toDeliveryName(event.event);
    case 'bundle_imported':
      return 'bundle imported';
    case 'source_hung':
      return 'read of a source that hangs';
    case 'card_copied':
      return 'card copied';
    case 'card_restored':
      return 'card restored';
    case 'central_restored':
      return 'central restored';
    case 'legacy_queue_imported':
      return 'legacy queue imported';
    case 'export_removed':
      return 'removed by retention';
    case 'request_answered':
      if (event.status >= 400) return event.code === undefined ? undefined : `refused: ${event.code}`;
      return event.isQueued === false ? 'nothing queued' : undefined;
    default:
      return undefined;
  }
}

function toExchangeName(event: ExchangeEvent): string | undefined {
  switch (event.outcome) {
    case 'answered':
      if (event.fault !== 'none') return event.fault;
      if (event.status === 413) return '413';
      if (event.status === 401) return 'token refused';
      if (event.path === IMPORT_PATH && (event.status === 429 || event.status >= 500))
        return 'central fails an import';
      return undefined;
    case 'failed':
      return `${event.phase} ${event.code}`;
    case 'threw':
      return 'the transport threw';
  }
}

function toBootName(clockBehindMs: number): string | undefined {
  if (clockBehindMs > FAR_BEHIND_MS) return 'boot in 1970';
  return clockBehindMs > 0 ? 'boot with the clock behind' : undefined;
}

function toDeliveryName(event: DeliveryEvent): string | readonly string[] | undefined {
  switch (event.kind) {
    case 'delivered':
      return 'exports delivered';
    case 'rejected':
      return 'exports rejected';
    case 'ledger_begun':
      return 'ledger begun';
    case 'missing_reported':
      return [
        ...(event.report.requeued.length > 0 ? ['lost exports requeued'] : []),
        ...(event.report.rewound.length > 0 ? ['lost exports rewound'] : []),
      ];
    case 'dead_lettered':
      return 'exports dead-lettered';
    case 'delivery_paused':
      return 'delivery paused by the card';
    case 'stepped_aside':
      return 'exports stepped aside';
    case 'parts_cut':
      return `parts cut smaller: ${event.cause}`;
    case 'send_hold_changed':
      return event.hold === undefined ? undefined : `held: ${event.hold}`;
    default:
      return undefined;
  }
}

/** Totals in the last line of `npm run sim`. Each is the sum of several coverage names. */
const SUMS: Readonly<Record<string, readonly string[]>> = {
  'cards copied': ['card copied'],
  'lost exports requeued': ['lost exports requeued'],
  'lost exports rewound': ['lost exports rewound'],
  'exports removed': ['removed by retention'],
  'send holds': ['held: metered', 'held: over_budget'],
  'portals met': ['portal_page', 'portal_redirect', 'portal_511', 'portal_json'],
  '413s': ['413'],
  'clock jumps': ['clock-wrong'],
  'boots in 1970': ['boot in 1970'],
  'refusals for the card': ['refused: DISK_FULL', 'refused: DISK_RESERVE', 'refused: DISK_READ_ONLY'],
};

export function sumCoverage(coverage: Coverage): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(SUMS).map(([sum, names]) => [
      sum,
      names.reduce((total, name) => total + (coverage.get(name) ?? 0), 0),
    ]),
  );
}
