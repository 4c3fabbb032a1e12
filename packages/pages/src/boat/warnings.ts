import type { Texts } from '../i18n/texts.ts';
import { listUnread, toSituation } from './situation.ts';
import type { PageState } from './state.ts';
import { toCategoryName } from './statement.ts';

/** Something the owner should know in addition to the situation. */
export interface Warning {
  readonly title: string;
  readonly says: string;
}

/**
 * Returns the warnings that the statement does not already cover. Returns none while the page is not live, because they may no
 * longer apply.
 */
export function toWarnings(state: PageState, texts: Texts): readonly Warning[] {
  const { status, link } = state;
  const { say } = texts;
  if (status === undefined || link === 'lost' || status.tier === 0) return [];
  const warnings: Warning[] = [];
  if (status.storage.warning != null)
    warnings.push({ title: say('volatile.title'), says: status.storage.warning });
  const unread = listUnread(status);
  if (unread.length > 0 && toSituation(state).kind !== 'sources')
    warnings.push({
      title: say('sources.title', { n: unread.length }),
      says: say('sources.says', { names: toNames(unread, texts) }),
    });
  if (status.ledger.change?.full_export_due === true)
    warnings.push({ title: say('ledger.title'), says: say('ledger.says') });
  return warnings;
}

function toNames(categories: readonly string[], texts: Texts): string {
  return new Intl.ListFormat(texts.language).format(
    categories.map((category) => toCategoryName(category, texts)),
  );
}
