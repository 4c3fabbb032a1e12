import type { Plan } from './plan.ts';
import { DAY_MS } from './plan-times.ts';

/** A line of the export manager's log, by what it begins with, and what it shows was met. */
const TOLD: readonly (readonly [start: string, met: string])[] = [
  ['Removed export', 'removed by retention'],
  ['Only ', 'reserve refused an export'],
  ['This connection is metered', 'held: metered'],
  ["This month's data budget", 'held: month’s budget'],
  ['Export rejected', 'exports rejected'],
  ['Imported ', 'old queue imported'],
  ['Adopted export file', 'files adopted'],
  ['Delivery pauses', 'delivery paused by the card'],
  ['The card is full', 'ballast given up'],
  ['Nothing new', 'nothing new'],
  ['✓ Export uploaded', 'exports delivered'],
  ['Scheduled export skipped', 'daily skipped by tier'],
];

/**
 * How often each kind of fault, and each thing the boat does about it, was met in one run, read from its trace: what a
 * plan intends may never meet a boat that is at work.
 */
export function measureCoverage(lines: readonly string[], plan: Plan): ReadonlyMap<string, number> {
  const met = new Map<string, number>();
  const add = (name: string): void => void met.set(name, (met.get(name) ?? 0) + 1);
  for (const line of lines) {
    const [, first = '', second = '', ...rest] = line.split(' ', 8);
    switch (first) {
      case 'incident':
        add(second === 'link' ? `link ${toState(line)}` : second);
        break;
      case 'net':
        addExchange(rest, add);
        break;
      case 'boat':
        if (second === 'loses') add('power lost');
        else if (second === 'boots,') addClock(plan, Number(rest[0]), add);
        else addTold(line.slice(line.indexOf(second) + second.length + 1), add);
        break;
      case 'bundle':
        add('bundle read ashore');
        break;
      case 'POST':
        addRefusal(line, add);
        break;
    }
  }
  if (plan.boat.legacyQueue !== undefined) add(`old queue, ${plan.boat.legacyQueue.format}`);
  if (plan.boat.legacyQueue?.isTorn === true) add('old queue, torn');
  return met;
}

/** What the boat's own API refused, with its code: `POST /export/generate {…} 507 DISK_FULL`. */
function addRefusal(line: string, add: (name: string) => void): void {
  const code = / [45]\d\d ([A-Z_]+)$/.exec(line)?.[1];
  if (code !== undefined) add(`refused: ${code}`);
}

/** What a line of counts tells of a run besides its table, by what was met. */
const COUNTED: Readonly<Record<string, readonly string[]>> = {
  'exports removed': ['removed by retention'],
  'holds for thrift': ['held: metered', 'held: month’s budget'],
  'portals met': ['portal_page', 'portal_redirect', 'portal_511', 'portal_json'],
  '413s': ['413'],
  'clock jumps': ['clock-wrong'],
  'boots in 1970': ['boot in 1970'],
  'refusals for the card': ['refused: DISK_FULL', 'refused: DISK_RESERVE', 'refused: DISK_READ_ONLY'],
};

/** The line's counts, of what was met. */
export function countCoverage(met: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(COUNTED).map(([name, of]) => [
      name,
      of.reduce((sum, each) => sum + (met.get(each) ?? 0), 0),
    ]),
  );
}

function toState(line: string): string {
  return /"state":"(\w+)"/.exec(line)?.[1] ?? '';
}

/** `METHOD PATH FAULT STATUS`, or `METHOD PATH PHASE CODE` where there was no answer. */
function addExchange(
  [, path = '', ended = '', code = '']: readonly string[],
  add: (name: string) => void,
): void {
  if (ended === 'none') {
    if (code === '413') add('413');
    if (code === '401') add('token refused');
    if (path.endsWith('/import') && /^(?:429|5\d\d)$/.test(code)) add('central fails an import');
    return;
  }
  add(['connect', 'tls', 'exchange'].includes(ended) ? `${ended} ${code}` : ended);
}

/** Beyond this a clock that is behind was never set: it shows 1970. */
const FAR_BEHIND_MS = 50 * 365 * DAY_MS;

function addClock(plan: Plan, boot: number, add: (name: string) => void): void {
  const behindMs = plan.boots[boot - 1]?.clockBehindMs ?? 0;
  if (behindMs > FAR_BEHIND_MS) add('boot in 1970');
  else if (behindMs > 0) add('boot with the clock behind');
}

function addTold(message: string, add: (name: string) => void): void {
  const found = TOLD.find(([start]) => message.startsWith(start));
  if (found !== undefined) add(found[1]);
}
