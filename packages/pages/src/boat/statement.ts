import type { TextKey, Texts } from '../i18n/texts.ts';
import { toNextExportMoment } from './next-export.ts';
import { toBlockedWords } from './blocked-words.ts';
import { CATEGORY_COUNT, type Situation } from './situation.ts';
import type { PageState } from './state.ts';
import type { Statement, Words } from './words.ts';

/** Returns the statement for a situation in the page's language. */
export function toStatement(situation: Situation, state: PageState, texts: Texts): Statement {
  const words = toWords(situation, state, texts);
  return {
    steps: [],
    seen: undefined,
    ...words,
    main: words.main ?? { act: 'export', label: texts.say('act.export'), doneShare: undefined },
  };
}

/** Returns the category's name in the page's language. A category that this page does not know keeps its name. */
export function toCategoryName(category: string, { say }: Texts): string {
  const key = CATEGORY_KEYS[category];
  return key === undefined ? category : say(key);
}

type CategoryKey = Extract<TextKey, `category.${string}`>;
const CATEGORY_KEYS: Readonly<Record<string, CategoryKey>> = {
  engine_benchmark: 'category.engine_benchmark',
  boatlog: 'category.boatlog',
  marine_vision_captures: 'category.marine_vision_captures',
  marine_vision_snapshots: 'category.marine_vision_snapshots',
  qr_codes: 'category.qr_codes',
  settings: 'category.settings',
  system_alerts: 'category.system_alerts',
  onboarding: 'category.onboarding',
  telemetry: 'category.telemetry',
};

/** The categories in the order in which an export reads them. */
export const CATEGORIES: readonly string[] = Object.keys(CATEGORY_KEYS);

function toWords(situation: Situation, state: PageState, texts: Texts): Words {
  const { say } = texts;
  const none = { act: 'none', label: say('act.waitsForManager'), doneShare: undefined } as const;
  switch (situation.kind) {
    case 'loading':
      return {
        tone: 'calm',
        mark: 'unknown',
        title: say('loading.title'),
        says: say('loading.says'),
        main: none,
      };
    case 'stale':
      return {
        tone: 'warn',
        mark: 'gone',
        title: say('stale.title'),
        says: toStaleText(state, texts),
        main: none,
      };
    case 'status_failed':
      return {
        tone: 'bad',
        mark: 'card',
        title: say('statusFailed.title'),
        says: situation.detail,
        main: none,
      };
    case 'tier0':
      return { tone: 'calm', mark: 'none', title: say('tier0.title'), says: say('tier0.says'), main: none };
    case 'license':
    case 'identity':
      return toRefusedWords(situation, texts);
    case 'collecting':
    case 'uploading':
      return toProgressWords(situation, texts);
    case 'delivered':
    case 'safe':
    case 'empty':
    case 'sources':
      return toRestingWords(situation, state, texts);
    default:
      return toHeldUpWords(situation, state, texts);
  }
}

function toStaleText({ heardAt }: PageState, texts: Texts): string {
  return heardAt === undefined
    ? texts.say('stale.never')
    : texts.say('stale.says', { time: texts.moment(heardAt, heardAt) });
}

function toRefusedWords(
  { kind, detail }: Extract<Situation, { readonly kind: 'license' | 'identity' }>,
  { say }: Texts,
): Words {
  // The export manager answers. What is missing is the tier or the ID, and nothing can be exported without it.
  const label = say(kind === 'identity' ? 'waiting.why.id' : 'waiting.why.tier');
  const main = { act: 'none', label, doneShare: undefined } as const;
  if (kind === 'identity')
    return {
      tone: 'bad',
      mark: 'refused',
      title: say('identity.title'),
      says: say('identity.says'),
      steps: [say('identity.step1'), say('identity.step2')],
      seen: detail,
      main,
    };
  return {
    tone: 'bad',
    mark: 'refused',
    title: say('license.title'),
    says: say('license.says'),
    steps: [say('license.step1'), say('license.step2'), say('license.step3')],
    seen: detail,
    main,
  };
}

function toProgressWords(
  situation: Extract<Situation, { readonly kind: 'collecting' | 'uploading' }>,
  texts: Texts,
): Words {
  const { say } = texts;
  if (situation.kind === 'collecting') {
    const counts = { n: situation.doneCount, total: CATEGORY_COUNT };
    return {
      tone: 'now',
      mark: 'collecting',
      title: say('collecting.title'),
      says: say('collecting.says', { ...counts, category: toCategoryName(situation.category, texts) }),
      main: { act: 'none', label: say('act.collecting', counts), doneShare: counts.n / CATEGORY_COUNT },
    };
  }
  const { sending } = situation;
  const doneCount = (sending?.partIndex ?? 1) - 1;
  return {
    tone: 'now',
    mark: 'sending',
    title: say('uploading.title'),
    says: say('uploading.says'),
    main: {
      act: 'none',
      label:
        sending === undefined
          ? say('uploading.title')
          : say('act.uploading', { n: doneCount, total: sending.partCount }),
      doneShare: sending === undefined ? 0 : doneCount / sending.partCount,
    },
  };
}

function toRestingWords(
  situation: Extract<Situation, { readonly kind: 'delivered' | 'safe' | 'empty' | 'sources' }>,
  state: PageState,
  texts: Texts,
): Words {
  const { say } = texts;
  const next = toNextExportMoment(state, texts);
  if (situation.kind === 'empty')
    return {
      tone: 'calm',
      mark: 'waiting',
      title: say('empty.title'),
      says: next === undefined ? say('empty.says') : say('empty.next', { next }),
    };
  if (situation.kind === 'sources') {
    const { categories } = situation;
    const names = new Intl.ListFormat(texts.language).format(
      categories.map((category) => toCategoryName(category, texts)),
    );
    return {
      tone: 'warn',
      mark: 'failed',
      title: say('sources.title', { n: categories.length }),
      says: say('sources.says', { names }),
    };
  }
  const time = texts.moment(situation.at, state.heardAt ?? situation.at);
  return {
    tone: 'ok',
    mark: 'synced',
    title: say(situation.kind === 'delivered' ? 'delivered.title' : 'safe.title'),
    says: next === undefined ? say('safe.says', { time }) : say('safe.next', { time, next }),
  };
}

type HeldUp = Exclude<
  Situation,
  {
    readonly kind:
      | 'loading'
      | 'stale'
      | 'status_failed'
      | 'tier0'
      | 'license'
      | 'identity'
      | 'collecting'
      | 'uploading'
      | 'delivered'
      | 'safe'
      | 'empty'
      | 'sources';
  }
>;

/** The statement while exports wait on board or could not be created. */
function toHeldUpWords(situation: HeldUp, state: PageState, texts: Texts): Words {
  const { say } = texts;
  const queue = state.status?.queue;
  const n = (queue?.pending_count ?? 0) + (queue?.uploading_count ?? 0);
  const check = { act: 'check', label: say('act.check'), doneShare: undefined } as const;
  const sendNow = { act: 'send', label: say('act.sendNow'), doneShare: undefined } as const;
  switch (situation.kind) {
    case 'card':
      return toCardWords(state, texts);
    case 'blocked':
      return { main: check, ...toBlockedWords(situation, state, texts), seen: situation.detail };
    case 'captive_portal':
    case 'clock_wrong':
    case 'untrusted':
      return { ...toTaskWords(situation.kind, n, state, texts), seen: situation.detail, main: check };
    case 'unavailable':
      return {
        tone: 'warn',
        mark: 'busy',
        title: say('unavailable.title'),
        says: say('unavailable.says'),
        seen: situation.detail,
      };
    case 'offline':
    case 'will_retry':
    case 'unknown':
    case 'later_state':
    case 'waits':
      return toQuietWords(situation, n, texts);
    case 'metered':
      return {
        tone: 'warn',
        mark: 'busy',
        title: say('metered.title'),
        says: say('metered.says'),
        main: sendNow,
      };
    case 'over_budget':
      return {
        tone: 'warn',
        mark: 'busy',
        title: say('budget.title'),
        says: toBudgetText(state, texts),
        main: sendNow,
      };
    case 'failed':
      return {
        tone: 'bad',
        mark: 'failed',
        title: say('failed.title', { n: situation.count }),
        says: say('failed.says'),
        main: {
          act: 'retry_failed',
          label: say('act.retryFailed', { n: situation.count }),
          doneShare: undefined,
        },
      };
    default:
      return situation satisfies never;
  }
}

type Quiet = Extract<
  HeldUp,
  { readonly kind: 'offline' | 'unknown' | 'will_retry' | 'later_state' | 'waits' }
>;

/** The statement while `n` exports wait and the owner need not act. */
function toQuietWords(situation: Quiet, n: number, { say }: Texts): Words {
  switch (situation.kind) {
    case 'offline':
      return { tone: 'calm', mark: 'offline', title: say('offline.title'), says: say('offline.says', { n }) };
    case 'will_retry':
      return {
        tone: 'calm',
        mark: 'offline',
        title: say('willRetry.title'),
        says: say('offline.says', { n }),
      };
    case 'unknown':
      return { tone: 'calm', mark: 'unknown', title: say('unknown.title'), says: say('unknown.says') };
    case 'later_state':
      return {
        tone: 'calm',
        mark: 'unknown',
        title: say('place.waitingCount', { n }),
        says: situation.explanation,
      };
    case 'waits':
      return { tone: 'calm', mark: 'online', title: say('waits.title', { n }), says: say('waits.says') };
    default:
      return situation satisfies never;
  }
}

function toCardWords({ status }: PageState, { say, bytes }: Texts): Words {
  const free = bytes(status?.storage.free_bytes ?? 0);
  const reserve = bytes(status?.storage.reserve_bytes ?? 0);
  return {
    tone: 'bad',
    mark: 'card',
    title: say('card.title'),
    says: say('card.says', { free, reserve }),
    // Without delivered files there is nothing to clear. Sending frees space too, because delivered files can be removed.
    main:
      (status?.queue.completed_count ?? 0) > 0
        ? { act: 'clear', label: say('act.clear'), doneShare: undefined }
        : { act: 'check', label: say('act.check'), doneShare: undefined },
  };
}

function toBudgetText({ status }: PageState, { say, bytes }: Texts): string {
  const used = bytes(status?.data_budget.month_bytes ?? 0);
  const max = status?.data_budget.month_bytes_max ?? null;
  return max === null ? say('budget.saysNoMax', { used }) : say('budget.says', { used, max: bytes(max) });
}

/** The statement in states that need action from the owner. */
function toTaskWords(
  kind: 'captive_portal' | 'clock_wrong' | 'untrusted',
  n: number,
  { heardAt }: PageState,
  texts: Texts,
): Words {
  const { say } = texts;
  switch (kind) {
    case 'captive_portal':
      return {
        tone: 'warn',
        mark: 'login',
        title: say('captive.title'),
        says: say('captive.says', { n }),
        steps: [say('captive.step1'), say('captive.step2'), say('captive.step3')],
      };
    case 'clock_wrong':
      return {
        tone: 'warn',
        mark: 'clock',
        title: say('clock.title'),
        says: say('clock.says', { time: heardAt === undefined ? '' : texts.fullMoment(heardAt) }),
        steps: [say('clock.step1'), say('clock.step2'), say('clock.step3')],
      };
    case 'untrusted':
      return {
        tone: 'bad',
        mark: 'refused',
        title: say('untrusted.title'),
        says: say('untrusted.says'),
        steps: [say('untrusted.step1'), say('untrusted.step2'), say('untrusted.step3')],
      };
    default:
      return kind satisfies never;
  }
}
