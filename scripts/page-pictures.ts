// Takes screenshots of the boat's page: `node --conditions=development scripts/page-pictures.ts [SCENARIO …]`. Each scenario is
// shown at each size and theme, or only at those that PAGE_SIZES (1280x800) and PAGE_THEMES (day,night,watch) name, in
// PAGE_LANGUAGE. A scenario can be followed by a place, as in `crowded/history`. The pictures are written to .artifacts/pages.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  findChromium,
  NO_BROWSER,
  SCREENS,
  startBrowser,
} from '../packages/pages/src/boat/testing/browser.ts';
import { SCENARIOS, type ScenarioName } from '../packages/pages/src/boat/testing/scenarios.ts';
import { startStubBoat } from '../packages/pages/src/boat/testing/stub-boat.ts';

const TARGET = join(import.meta.dirname, '..', '.artifacts', 'pages');

const chromium = findChromium();
if (chromium === undefined) {
  console.log(`no pictures: ${NO_BROWSER}`);
  process.exit(0);
}
const sizes = process.env['PAGE_SIZES']?.split(',');
const themes = process.env['PAGE_THEMES']?.split(',') ?? ['day', 'night', 'watch'];
const asked = process.argv.slice(2);
const names = asked.length > 0 ? asked : Object.keys(SCENARIOS);
mkdirSync(TARGET, { recursive: true });
const boat = await startStubBoat();
const browser = await startBrowser(chromium);
for (const size of SCREENS.filter(({ width, height }) => sizes?.includes(`${width}x${height}`) ?? true))
  for (const theme of themes) {
    const context = await browser.newContext({ viewport: size, deviceScaleFactor: 1 });
    await context.addInitScript(`localStorage.setItem('d3kos-export-look', '${theme}')`);
    for (const name of names) {
      const [scenario = '', place = 'now'] = name.split('/');
      boat.show(SCENARIOS[scenario as ScenarioName]);
      const page = await context.newPage();
      page.on('console', (message) => {
        if (message.type() === 'error' && !message.text().includes('503'))
          console.log(`${name}: ${message.text()}`);
      });
      page.on('pageerror', (error) => console.log(`${name}: ${error.message}`));
      await page.goto(`${boat.url}?lang=${process.env['PAGE_LANGUAGE'] ?? 'en'}#${place}`);
      await page.locator('.boat[data-ready]').waitFor();
      await page.screenshot({
        path: join(TARGET, `${scenario}-${place}-${theme}-${size.width}x${size.height}.png`),
      });
      await page.close();
    }
    await context.close();
  }
await browser.close();
await boat.close();
