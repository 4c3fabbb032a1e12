import type { Texts } from '../i18n/texts.ts';
import { type Situation, toAshoreOf } from './situation.ts';
import type { PageState, Sending } from './state.ts';

/** How the way to central is drawn, and its label. */
export interface Way {
  readonly line: 'solid' | 'parts' | 'broken' | 'none';
  /** The mark on the line, or undefined if nothing holds up exports. */
  readonly bar: boolean;
  readonly says: string;
}

/** The situations in which nothing reaches central. */
const BROKEN: readonly Situation['kind'][] = [
  'stale',
  'status_failed',
  'loading',
  'offline',
  'captive_portal',
  'clock_wrong',
  'untrusted',
  'unknown',
  'later_state',
  'will_retry',
];
const HELD: readonly Situation['kind'][] = [
  'blocked',
  'unavailable',
  'metered',
  'over_budget',
  'license',
  'identity',
];

/** Returns the way to central for a situation. */
export function toWay(situation: Situation, state: PageState, texts: Texts): Way {
  const { say } = texts;
  const { heardAt, status, sending } = state;
  const now = heardAt ?? '';
  if (situation.kind === 'stale')
    return {
      line: 'broken',
      bar: true,
      says: heardAt === undefined ? '' : say('passage.asOf', { time: texts.clock(heardAt) }),
    };
  if (situation.kind === 'uploading')
    return {
      line: 'parts',
      bar: false,
      says: sending === undefined ? '' : toProgressText(sending, texts),
    };
  const isBroken = BROKEN.includes(situation.kind);
  const isHeld = isBroken || HELD.includes(situation.kind);
  const ashore = toAshoreOf(state);
  const since =
    status === undefined || now === ''
      ? ''
      : say('passage.since', { time: texts.moment(status.destination.since, now) });
  const until =
    ashore.kind === 'nothing' || now === ''
      ? ''
      : say('passage.safeUntil', { time: texts.moment(ashore.at, now) });
  return {
    line: isBroken ? 'broken' : 'solid',
    // While an export is being created, its mark is shown on the line.
    bar: isHeld || situation.kind === 'collecting',
    says: ashore.kind === 'until' ? until : isHeld ? since : '',
  };
}

/**
 * Describes an upload's progress: the parts that central has and, on a second line, the bytes sent and the remaining time if
 * known.
 */
function toProgressText({ partIndex, partCount, sentBytes, leftMs }: Sending, texts: Texts): string {
  const { say } = texts;
  const rate = [
    ...(sentBytes > 0 ? [say('history.sent', { size: texts.bytes(sentBytes) })] : []),
    ...(leftMs === null ? [] : [say('passage.left', { time: texts.duration(leftMs) })]),
  ];
  const parts = say('passage.parts', { n: partIndex - 1, total: partCount });
  return rate.length === 0 ? parts : `${parts}\n${rate.join('\u00a0· ')}`;
}
