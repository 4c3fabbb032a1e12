import type { FleetTextKey, FleetTexts } from '../i18n/fleet-texts.ts';
import type { MarkName, Tone } from '../ui/icons.tsx';
import type { Boat, BoatState } from './api.ts';
import { toDuration, toSeconds, toShortMoment } from './format.ts';

/** How a state is drawn: a mark with a distinct silhouette, and a tone. */
export const STATE_LOOKS: Readonly<Record<BoatState, readonly [MarkName, Tone]>> = {
  disabled: ['busy', 'calm'],
  refused: ['refused', 'bad'],
  late: ['late', 'warn'],
  shared_id: ['copied', 'warn'],
  gap: ['gap', 'warn'],
  rejecting: ['failed', 'warn'],
  never_heard: ['unknown', 'calm'],
  laid_up: ['rest', 'calm'],
  receiving: ['sending', 'now'],
  by_hand: ['online', 'calm'],
  in_order: ['synced', 'ok'],
};

/** True for a state that needs no action from an operator. */
export function needsNothing(state: BoatState): boolean {
  return !['refused', 'late', 'shared_id', 'gap', 'rejecting'].includes(state);
}

/** Returns a boat's name, or a placeholder. */
export function toName(boat: Pick<Boat, 'name'>, { say }: FleetTexts): string {
  return boat.name ?? say('list.unnamed');
}

const REFUSALS: Readonly<Record<string, Extract<FleetTextKey, `refusal.${string}`>>> = {
  INVALID_TOKEN: 'refusal.INVALID_TOKEN',
  QUOTA_EXCEEDED: 'refusal.QUOTA_EXCEEDED',
  INSTALLATION_DISABLED: 'refusal.INSTALLATION_DISABLED',
  INSTALLATION_MISMATCH: 'refusal.INSTALLATION_MISMATCH',
};

/** Returns the text that explains why central refused a boat. */
export function toReason(refusal: string | null, { say }: FleetTexts): string {
  const key = REFUSALS[refusal ?? ''];
  if (key === undefined || key === 'refusal.other') return say('refusal.other', { code: refusal ?? '' });
  return say(key);
}

/** Returns a state's second line in the list. */
export function toStateDetail(boat: Boat, now: string, texts: FleetTexts): string {
  const { say, locale } = texts;
  const at = (iso: string | null): string =>
    iso === null ? say('page.missing') : toShortMoment(iso, now, texts);
  const since = (iso: string | null): string => toDuration(iso === null ? 0 : toSeconds(iso, now), locale);
  switch (boat.state) {
    case 'disabled':
      return say('state.disabled.says');
    case 'refused':
      return toReason(boat.refusal, texts);
    case 'late':
      return say('state.late.says', { moment: at(boat.due_at) });
    case 'shared_id':
      return say('boat.concurrent', { n: boat.concurrent_ledgers });
    case 'gap':
      return say('state.gap.says', { n: boat.missing_sequences, duration: since(boat.gap_since) });
    case 'rejecting':
      return say('state.rejecting.says', { moment: at(boat.last_rejected_at) });
    case 'never_heard':
      return say('state.never_heard.says', { moment: at(boat.enrolled_at) });
    case 'laid_up':
      return say('state.laid_up.says', { duration: since(boat.last_heard_at) });
    case 'receiving':
      return say('state.receiving.says', { ...(boat.receiving ?? { part: 0, parts: 0 }) });
    case 'by_hand': {
      const tier = boat.tier ?? boat.claimed_tier;
      return tier === null ? say('state.by_hand.unknown') : say('state.by_hand.says', { tier });
    }
    case 'in_order':
      return say('state.in_order.says', { duration: toDuration(boat.usual_silence_s ?? 0, locale) });
    default:
      return boat.state satisfies never;
  }
}

/** Returns a boat's summary: a sentence, and what to do. */
export function toBoatStatement(
  boat: Boat,
  now: string,
  texts: FleetTexts,
): { readonly title: string; readonly says: string } {
  const { say, moment, locale } = texts;
  const at = (iso: string | null): string => (iso === null ? say('page.missing') : moment(iso, now));
  const silent = toDuration(boat.last_heard_at === null ? 0 : toSeconds(boat.last_heard_at, now), locale);
  const usual = toDuration(boat.usual_silence_s ?? 0, locale);
  switch (boat.state) {
    case 'disabled':
      return { title: say('boat.disabled'), says: say('boat.disabled.says') };
    case 'refused':
      return {
        title: say('boat.refused', { reason: toReason(boat.refusal, texts) }),
        says: say('boat.refused.says', { moment: at(boat.refused_at) }),
      };
    case 'late':
      return {
        title: say('boat.late', { duration: silent }),
        says: say('boat.late.says', { usual, moment: at(boat.last_heard_at) }),
      };
    case 'shared_id':
      return {
        title: say('boat.concurrent', { n: boat.concurrent_ledgers }),
        says: say('boat.concurrent.says'),
      };
    case 'gap':
      return {
        title: say('boat.gap', { n: boat.missing_sequences }),
        says: say('boat.gap.says', { moment: at(boat.gap_since) }),
      };
    case 'rejecting':
      return {
        title: say('boat.rejecting'),
        says: say('boat.rejecting.says', { moment: at(boat.last_rejected_at) }),
      };
    case 'never_heard':
      return {
        title: say('boat.never_heard'),
        says: say('boat.never_heard.says', { moment: at(boat.enrolled_at) }),
      };
    case 'laid_up':
      return {
        title: say('boat.laid_up'),
        says: say('boat.laid_up.says', { moment: at(boat.last_heard_at) }),
      };
    case 'receiving':
      return {
        title: say('boat.receiving'),
        says: say('boat.receiving.says', { ...(boat.receiving ?? { part: 0, parts: 0 }) }),
      };
    case 'by_hand':
      return {
        title: say('boat.by_hand'),
        says: say('boat.by_hand.says', { moment: at(boat.last_heard_at) }),
      };
    case 'in_order':
      return {
        title: say('boat.in_order'),
        says: say('boat.in_order.says', { moment: at(boat.last_heard_at), due: at(boat.due_at) }),
      };
    default:
      return boat.state satisfies never;
  }
}
