// Takes pictures of the fleet's page, over a real central with the sample fleet:
// `node --conditions=development packages/pages/src/fleet/testing/pictures.ts [PLACE …]`. A place is `list`, `boat`, `login` or `display`.
// PAGE_SIZES (1280x800), PAGE_THEMES (day,night,watch) and PAGE_LANGUAGE choose. The pictures are written to .artifacts/fleet.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findChromium, NO_BROWSER, SCREENS, startBrowser } from '../../boat/testing/browser.ts';
import { SAMPLE_BOATS, startSampleCentral } from './sample-fleet.ts';

const TARGET = join(import.meta.dirname, '..', '..', '..', '..', '..', '.artifacts', 'fleet');
const TOKEN = 'operator-token-of-the-pictures';
const PLACES = {
  list: '',
  boat: `#/boat/${SAMPLE_BOATS[0]?.id ?? ''}`,
  late: '#/?filter=late',
  login: '',
  display: '',
};

const chromium = findChromium();
if (chromium === undefined) {
  console.log(`no pictures: ${NO_BROWSER}`);
  process.exit(0);
}
const asked = process.argv.slice(2);
const sizes = process.env['PAGE_SIZES']?.split(',');
const themes = process.env['PAGE_THEMES']?.split(',') ?? ['day', 'night', 'watch'];
mkdirSync(TARGET, { recursive: true });
const central = await startSampleCentral(TOKEN);
const browser = await startBrowser(chromium);
try {
  for (const size of SCREENS.filter(({ width, height }) => sizes?.includes(`${width}x${height}`) ?? true))
    for (const theme of themes) {
      const context = await browser.newContext({ viewport: size, deviceScaleFactor: 1 });
      await context.addInitScript(`localStorage.setItem('d3kos-export-look', '${theme}')`);
      for (const [place, hash] of Object.entries(PLACES).filter(
        ([name]) => asked.length === 0 || asked.includes(name),
      )) {
        const page = await context.newPage();
        page.on('console', (message) => {
          if (message.type() === 'error') console.log(`${place}: ${message.text()}`);
        });
        page.on('pageerror', (error) => console.log(`${place}: ${error.message}`));
        await page.goto(`${central.url}/?lang=${process.env['PAGE_LANGUAGE'] ?? 'en'}${hash}`);
        await page.locator('input[name=password]').waitFor();
        if (place !== 'login') {
          await page.getByRole('button', { name: /operator token|Operator-Token/ }).click();
          await page.locator('input[name=token]').fill(TOKEN);
          await page.keyboard.press('Enter');
          await page.locator('.fleet[data-ready]').waitFor();
        }
        if (place === 'display') await page.locator('.top .act').first().click();
        await page.screenshot({
          path: join(TARGET, `${place}-${theme}-${size.width}x${size.height}.png`),
          fullPage: process.env['PAGE_WHOLE'] === '1',
        });
        await page.close();
      }
      await context.close();
    }
} finally {
  await browser.close();
  await central.close();
}
