import { addOperator, PASSWORD } from '../packages/central/src/testing/operator-under-test.ts';
import { insertBoats } from '../packages/central/src/testing/many-boats.ts';
import {
  findChromium,
  NO_BROWSER,
  SCREENS,
  startBrowser,
} from '../packages/pages/src/boat/testing/browser.ts';
import { SAMPLE_NOW, startSampleCentral } from '../packages/pages/src/fleet/testing/sample-fleet.ts';
import { median, toFigure, toUnmeasured } from './figure.ts';
import type { BenchRun } from './run.ts';

const BOATS = 10_000;
/** Maximum time from navigation to the frame that shows the list, the map and the charts, in ms. */
const INTERACTIVE_MAX_MS = 2_000;
const TOKEN = 'operator-token-of-the-bench';

/** Records when the page first shows a frame with all facts. Runs before the page's scripts. */
const RECORD_READY = `
  new MutationObserver((_, observer) => {
    if (document.querySelector('.fleet[data-ready]') === null) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.readyMs = performance.now(); }));
  }).observe(document, { subtree: true, childList: true, attributes: true });`;

/** Measures how soon an operator with a session sees a fleet of 10,000 boats, in a browser on the same machine as central. */
export async function measureFleetPage(run: BenchRun): Promise<void> {
  const chromium = findChromium();
  if (chromium === undefined) {
    run.report(toUnmeasured('fleet.interactive', 'ms', { atMost: INTERACTIVE_MAX_MS }, NO_BROWSER));
    return;
  }
  const central = await startSampleCentral(TOKEN, []);
  const browser = await startBrowser(chromium);
  try {
    await insertBoats(central.store, BOATS, new Date(SAMPLE_NOW).toISOString());
    await addOperator(central.store, 'skipper', 'admin');
    const page = await browser.newPage({ viewport: SCREENS[0] });
    await page.goto(central.url);
    await page.locator('input[name=name]').fill('skipper');
    await page.locator('input[name=password]').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.locator('.fleet[data-ready]').waitFor();
    await page.addInitScript(RECORD_READY);
    const times: number[] = [];
    for (let index = 0; index < run.options.repetitions; index += 1) {
      run.signal.throwIfAborted();
      run.logProgress(`fleet page ${index + 1} of ${run.options.repetitions}`);
      await page.goto(`${central.url}/?lang=de&load=${index}`);
      await page.waitForFunction(() => window.readyMs !== undefined);
      times.push(await page.evaluate<number>('window.readyMs'));
    }
    const note = `${BOATS} boats, median of ${times.length} loads, until the frame that shows the list, the map and the charts`;
    run.report(toFigure('fleet.interactive', median(times), 'ms', { atMost: INTERACTIVE_MAX_MS }, note));
  } finally {
    await browser.close();
    await central.close();
  }
}

/** The browser type that a function above uses. The benchmarks are compiled with Node's types. */
declare const window: { readonly readyMs?: number };
