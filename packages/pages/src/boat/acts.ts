import type { Input } from '@d3kos/boat/api';
import { BUNDLE_PATH, call, type Refusal, type Reply, toRefusal } from './api.ts';
import type { Look } from '../ui/look.ts';
import { remember } from '../ui/memory.ts';
import type { Refresh } from './refresh.ts';
import type { Act, Notice, PageState, Place, Sheet } from './state.ts';
import { HISTORY_FIRST } from './state.ts';
import type { Store } from './store.ts';

/** Number of history rows that "Show more" adds, which is also the API's maximum. */
const HISTORY_STEP = 1_000;
const HISTORY_MAX = 10_000;

/**
 * The owner's actions. Each one sends a request to the export manager and shows the answer. The page then refreshes its facts.
 */
export interface Acts {
  exportNew(): void;
  exportEverything(): void;
  sendNow(): void;
  retry(queueIds: readonly string[]): void;
  cancel(queueId: string): void;
  clearDelivered(): void;
  saveBundle(): void;
  setConsent(isGiven: boolean): void;
  setNotifications(areOn: boolean): void;
  enrol(code: string): void;
  showMoreHistory(): void;
  open(place: Place): void;
  ask(sheet: Sheet | undefined): void;
  dismiss(): void;
  setLook(look: Look): void;
  setLanguage(language: string): void;
}

export function createActs(store: Store, refresh: Refresh): Acts {
  const run = createRun(store, refresh);
  const set = (facts: Partial<PageState>): void => store.change((state) => ({ ...state, ...facts }));
  const generate = (act: Act, type: 'full' | 'incremental'): void =>
    run(act, async () =>
      toNotice(await call('generate', { body: { type } }), ({ queued, record_count = 0 }) =>
        queued ? { kind: 'queued', recordCount: record_count } : { kind: 'nothing_new' },
      ),
    );
  return {
    exportNew: () => generate('export', 'incremental'),
    exportEverything: () => generate('again', 'full'),
    sendNow: () => run('process', async () => toNotice(await call('process'), () => ({ kind: 'send_now' }))),
    retry: (queueIds) => run('retry', () => retryEach(queueIds)),
    cancel: (queueId) =>
      run('cancel', async () =>
        toNotice(await call('cancel', { params: { id: queueId } }), () => ({ kind: 'cancelled' })),
      ),
    clearDelivered: () =>
      run('clear', async () =>
        toNotice(await call('cleanup', { body: { completed_older_than_days: 0 } }), (answer) => ({
          kind: 'cleared',
          fileCount: answer.completed_removed + answer.failed_removed,
          freedBytes: answer.freed_bytes,
        })),
      ),
    saveBundle: () => run('bundle', () => saveBundle((bundleBytes) => set({ bundleBytes }))),
    enrol: (code) => run('enrol', () => enrol(code), store.read().sheet),
    setConsent: (isGiven) => run('consent', () => changeSettings(set, { usage_telemetry: isGiven })),
    setNotifications: (areOn) => run('notifications', () => changeSettings(set, { notifications: areOn })),
    showMoreHistory() {
      const { historyLimit } = store.read();
      set({ historyLimit: Math.min(HISTORY_MAX, historyLimit + HISTORY_STEP) });
      void refresh.everything();
    },
    open(place) {
      set({
        place,
        notice: undefined,
        historyLimit: place === 'history' ? store.read().historyLimit : HISTORY_FIRST,
      });
      void refresh.everything();
    },
    // The code dialog shows only the answer to the code that was typed into it, not an earlier one.
    ask: (sheet) => set(sheet?.kind === 'enrol' ? { sheet, notice: undefined } : { sheet }),
    dismiss: () => set({ notice: undefined }),
    setLook(look) {
      remember('look', look);
      set({ look });
    },
    setLanguage(language) {
      remember('language', language);
      set({ language });
    },
  };
}

/**
 * Returns a function that runs one action. Pressing the control again while the action runs has no effect. `sheet` stays open
 * until the boat is enrolled, so that the owner can correct a refused code.
 */
function createRun(store: Store, refresh: Refresh) {
  return (act: Act, work: () => Promise<Notice | undefined>, sheet?: Sheet): void => {
    if (store.read().act !== undefined) return;
    store.change((state) => ({ ...state, act, notice: undefined, sheet }));
    void work().then((notice) => {
      store.change((state) => {
        const isDone = sheet !== undefined && state.sheet === sheet && notice?.kind === 'enrolled';
        const open = isDone ? undefined : state.sheet;
        return { ...state, act: undefined, bundleBytes: undefined, notice, sheet: open };
      });
      if (notice !== undefined && !isRefusal(notice))
        setTimeout(() => forget(store, notice), NOTICE_SHOWN_MS);
      void refresh.everything();
    });
  };
}

/** Changes the owner's settings, and shows the resulting settings. */
async function changeSettings(
  set: (facts: Partial<PageState>) => void,
  body: Input<'changeSettings'>['body'],
): Promise<Notice | undefined> {
  const reply = await call('changeSettings', { body });
  if (reply.kind === 'refused') return reply;
  set({ settings: reply.value });
  return undefined;
}

/** How long the page shows that an action has succeeded. A refusal stays until the owner dismisses it. */
const NOTICE_SHOWN_MS = 60_000;

function isRefusal({ kind }: Notice): boolean {
  return kind === 'refused' || kind === 'incomplete_code';
}

function forget(store: Store, notice: Notice): void {
  store.change((state) => (state.notice === notice ? { ...state, notice: undefined } : state));
}

function toNotice<T>(reply: Reply<T>, toAnswer: (value: T) => Notice): Notice {
  return reply.kind === 'answer' ? toAnswer(reply.value) : reply;
}

/** Redeems a code at central. The export manager keeps the token. */
async function enrol(code: string): Promise<Notice> {
  const reply = await call('enroll', { body: { code } });
  // The body sent by the page matches the contract, so only the code in it can be invalid.
  if (reply.kind === 'refused' && reply.refusal.code === 'REQUEST_INVALID')
    return { kind: 'incomplete_code' };
  return toNotice(reply, ({ enrolled, installation_id: id }) =>
    enrolled
      ? { kind: 'enrolled' }
      : { kind: 'refused', refusal: { code: 'INSTALLATION_MISMATCH', error: id, hint: '' } },
  );
}

/** Returns failed exports to the queue, one after another. Stops at the first refusal. */
async function retryEach(queueIds: readonly string[]): Promise<Notice> {
  for (const id of queueIds) {
    const reply = await call('retry', { params: { id } });
    if (reply.kind === 'refused') return reply;
  }
  return { kind: 'retried' };
}

/**
 * Downloads the waiting exports as one file. The browser saves it where the owner chooses. Calls `showBytes` with the number of
 * bytes received after each chunk.
 */
async function saveBundle(showBytes: (sizeBytes: number) => void): Promise<Notice | undefined> {
  const refused = (refusal: Refusal): Notice => ({ kind: 'refused', refusal });
  try {
    const response = await fetch(BUNDLE_PATH, { method: 'POST', body: '{}' });
    if (response.status === 204) return { kind: 'no_bundle' };
    if (!response.ok) return refused(toRefusal(await response.json()));
    const name = /filename="([^"]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1];
    const link = document.createElement('a');
    const body = await collectBody(response, showBytes);
    link.href = URL.createObjectURL(body);
    link.download = name ?? 'exports.bundle';
    link.click();
    URL.revokeObjectURL(link.href);
    return { kind: 'bundle_saved', sizeBytes: body.size };
  } catch (error) {
    return refused({ code: 'UNREACHABLE', error: error instanceof Error ? error.message : '', hint: '' });
  }
}

/** Collects a response body, and reports the size received so far. The browser stores a large blob on disk. */
async function collectBody({ body }: Response, showBytes: (sizeBytes: number) => void): Promise<Blob> {
  const reader = body?.getReader();
  let blob = new Blob();
  for (;;) {
    const piece = await reader?.read();
    if (piece?.value === undefined) return blob;
    blob = new Blob([blob, piece.value]);
    showBytes(blob.size);
  }
}
