// Takes screenshots of the Fleet page, served by real centrals: `node --conditions=development scripts/fleet-pictures.ts [STATE
// …]`. A STATE is a name in tests/support/fleet-states.ts. Each state is shown at each size and theme, or only at those that
// PAGE_SIZES (1280x800) and PAGE_THEMES (day,night,watch) name, in PAGE_LANGUAGE. With PAGE_WHOLE=1, a picture shows the whole
// page. The pictures are written to .artifacts/fleet.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  findChromium,
  NO_BROWSER,
  SCREENS,
  startBrowser,
} from '../packages/pages/src/boat/testing/browser.ts';
import { closeCentrals, openSeat, startCentrals } from '../tests/support/fleet-in-browser.ts';
import { bySeat, FLEET_STATES } from '../tests/support/fleet-states.ts';

const TARGET = join(import.meta.dirname, '..', '.artifacts', 'fleet');

const chromium = findChromium();
if (chromium === undefined) {
  console.log(`no pictures: ${NO_BROWSER}`);
  process.exit(0);
}
const asked = process.argv.slice(2);
const sizes = process.env['PAGE_SIZES']?.split(',');
const themes = process.env['PAGE_THEMES']?.split(',') ?? ['day', 'night', 'watch'];
const states = FLEET_STATES.filter(({ name }) => asked.length === 0 || asked.includes(name));
mkdirSync(TARGET, { recursive: true });
const centrals = await startCentrals();
const browser = await startBrowser(chromium);
try {
  for (const theme of themes)
    for (const [seat, own] of bySeat(states)) {
      const { page, load, show, resize, close } = await openSeat(browser, centrals, seat, { theme });
      await load(process.env['PAGE_LANGUAGE'] ?? 'en');
      for (const state of own) {
        await show(state);
        for (const size of SCREENS.filter(
          ({ width, height }) => sizes?.includes(`${width}x${height}`) ?? true,
        )) {
          await resize(size);
          const name = `${state.name.replaceAll(/\W+/g, '-')}-${theme}-${size.width}x${size.height}.png`;
          await page.screenshot({
            path: join(TARGET, name),
            fullPage: process.env['PAGE_WHOLE'] === '1',
            animations: 'disabled',
          });
        }
      }
      await close();
    }
} finally {
  await browser.close();
  await closeCentrals(centrals);
}
