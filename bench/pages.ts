import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import {
  findChromium,
  NO_BROWSER,
  SCREENS,
  startBrowser,
} from '../packages/pages/src/boat/testing/browser.ts';
import { SCENARIOS } from '../packages/pages/src/boat/testing/scenarios.ts';
import { type StubBoat, startStubBoat } from '../packages/pages/src/boat/testing/stub-boat.ts';
import { makeBoat } from './boat.ts';
import { REPOSITORY, sleep } from './child.ts';
import { startDaemon } from './daemon.ts';
import { median, toFigure, toUnmeasured } from './figure.ts';
import type { Bench, BenchRun } from './run.ts';

/** Factor by which the browser's CPU is slowed down, so that a desktop computer is about as fast as a boat's. */
const SLOWDOWN = 4;
/** Number of frames in a scroll. */
const SCROLL_FRAMES = 120;
/** Distance that a fast scroll moves in one frame, in CSS pixels. */
const SCROLL_STEP_PX = 120;
/** Time after which a started daemon is idle. */
const SETTLED_MS = 5_000;
const BOATLOG_ROWS = 2_000;

/** Measures the boat's page: its size, its start and its scrolling on a slow computer, and what it costs an idle daemon. */
export const benchPages: Bench = async (run) => {
  reportFirstLoad(run);
  const chromium = findChromium();
  if (chromium === undefined) {
    for (const what of ['interactive', 'scroll_history', 'scroll_waiting'])
      run.report(toUnmeasured(`pages.${what}`, 'ms', { atMost: 0 }, NO_BROWSER));
    return;
  }
  const browser = await startBrowser(chromium);
  const boat = await startStubBoat();
  try {
    await measureStart(run, browser, boat);
    await measureScroll(run, browser, boat);
    await measureIdle(run, browser);
  } finally {
    await browser.close();
    await boat.close();
  }
};

/** Size of the first load in bytes: page, script, style sheet, and the largest language. */
function reportFirstLoad(run: BenchRun): void {
  const folder = join(REPOSITORY, 'packages', 'boat', 'dist', 'page');
  const sizeOf = (name: string): number => gzipSync(readFileSync(join(folder, name)), { level: 9 }).length;
  const languages = readdirSync(folder).filter((name) => name.startsWith('texts-'));
  const page = ['index.html', 'boat.js', 'boat.css'].reduce((sum, name) => sum + sizeOf(name), 0);
  const language = Math.max(...languages.map(sizeOf));
  run.report(
    toFigure(
      'pages.first_load',
      (page + language) / 1_000,
      'kB',
      { atMost: 60 },
      `gzip; ${(page / 1_000).toFixed(1)} kB and the largest of ${languages.length} languages`,
    ),
  );
}

/**
 * Opens the page with a slowed-down CPU. Once the page shows the facts, resolves to the time since navigation began.
 */
async function openSlowly(browser: Browser, url: string): Promise<{ page: Page; readyMs: number }> {
  const page = await browser.newPage({ viewport: SCREENS[0] });
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN });
  await page.addInitScript(`
    new MutationObserver((_, observer) => {
      if (document.querySelector('.boat[data-ready]') === null) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => { window.readyMs = performance.now(); }));
    }).observe(document, { subtree: true, childList: true, attributes: true });
  `);
  await page.goto(url);
  await page.waitForFunction(() => window.readyMs !== undefined);
  return { page, readyMs: await page.evaluate<number>('window.readyMs') };
}

async function measureStart(run: BenchRun, browser: Browser, boat: StubBoat): Promise<void> {
  boat.show(SCENARIOS.safe);
  const times: number[] = [];
  for (let index = 0; index < run.options.repetitions; index += 1) {
    run.logProgress(`start ${index + 1} of ${run.options.repetitions}`);
    const { page, readyMs } = await openSlowly(browser, `${boat.url}?lang=de`);
    times.push(readyMs);
    await page.close();
  }
  const note = `median of ${times.length} loads at ${SLOWDOWN}× CPU slowdown, until the frame that shows the boat's state`;
  run.report(toFigure('pages.interactive', median(times), 'ms', { atMost: 1_000 }, note));
}

async function measureScroll(run: BenchRun, browser: Browser, boat: StubBoat): Promise<void> {
  boat.show(SCENARIOS.crowded);
  for (const [place, what] of [
    ['history', '1,000 rows of history'],
    ['waiting', '100 waiting exports'],
  ] as const) {
    const worst: number[] = [];
    for (let index = 0; index < run.options.repetitions; index += 1) {
      run.logProgress(`scroll ${place} ${index + 1} of ${run.options.repetitions}`);
      const { page } = await openSlowly(browser, `${boat.url}#${place}`);
      await page.locator('.entry, .delivered').nth(19).waitFor({ state: 'attached' });
      if (place === 'history') await showWholeHistory(page);
      worst.push(await page.evaluate<number>(`(${scroll.toString()})(${SCROLL_FRAMES}, ${SCROLL_STEP_PX})`));
      await page.close();
    }
    run.report(
      toFigure(
        `pages.scroll_${place}`,
        median(worst),
        'ms',
        { atMost: 50 },
        `${what}: longest frame of ${SCROLL_FRAMES} at ${SLOWDOWN}× CPU slowdown, median of ${worst.length} runs`,
      ),
    );
  }
}

/** Loads the whole history. At first, the page has loaded only 100 rows. */
async function showWholeHistory(page: Page): Promise<void> {
  const more = page.getByRole('button', { name: 'Show more' });
  await more.click();
  await more.waitFor({ state: 'detached' });
}

/** Scrolls the view by one step per frame. Returns the longest time between two frames. Runs in the browser. */
async function scroll(frames: number, stepPx: number): Promise<number> {
  const nextFrame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));
  const place = [...document.querySelectorAll('main, main *')].find(
    (element) => element.scrollHeight > element.clientHeight + 1_000,
  );
  if (place === undefined) throw new Error('nothing scrolls');
  let before = await nextFrame();
  let longest = 0;
  for (let frame = 0; frame < frames; frame += 1) {
    place.scrollTop += stepPx;
    const now = await nextFrame();
    longest = Math.max(longest, now - before);
    before = now;
  }
  return longest;
}

async function measureIdle(run: BenchRun, browser: Browser): Promise<void> {
  const { idleSeconds } = run.options;
  const daemon = await startDaemon(makeBoat(join(run.folder, 'boat'), BOATLOG_ROWS), run.signal);
  try {
    const page = await browser.newPage();
    await page.goto(daemon.url);
    await page.locator('.boat[data-ready]').waitFor();
    run.logProgress(`an idle daemon with an open page for ${idleSeconds} s`);
    await sleep(SETTLED_MS, run.signal);
    const before = daemon.facts();
    await sleep(idleSeconds * 1_000, run.signal);
    const after = daemon.facts();
    await page.close();
    run.report(
      toFigure(
        'pages.idle_cpu',
        (after.cpuMs - before.cpuMs) / idleSeconds / 10,
        '%',
        { atMost: 0.2 },
        `all threads of the daemon with one page open, over ${idleSeconds} s`,
      ),
    );
  } finally {
    await daemon.stop();
  }
}

/**
 * The browser types that the functions above use. The benchmarks are compiled with Node's types, not a browser's.
 */
interface Scrolling {
  scrollTop: number;
  readonly scrollHeight: number;
  readonly clientHeight: number;
}
declare const document: { querySelectorAll(selector: string): Iterable<Scrolling> };
declare const window: { readonly readyMs?: number };
declare const requestAnimationFrame: (callback: (time: number) => void) => void;
