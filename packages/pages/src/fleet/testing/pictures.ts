// Takes screenshots of the Fleet page, served by a real central with the sample fleet:
// `node --conditions=development packages/pages/src/fleet/testing/pictures.ts [PLACE …]`. A place is a key of `PLACES`.
// PAGE_SIZES (1280x800), PAGE_THEMES (day,night,watch) and PAGE_LANGUAGE select the variants. The pictures are written to
// .artifacts/fleet.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findChromium, NO_BROWSER, SCREENS, startBrowser } from '../../boat/testing/browser.ts';
import { addOperator, PASSWORD } from '../../../../central/src/testing/operator-under-test.ts';
import { SAMPLE_BOATS, SAMPLE_NOW, startSampleCentral } from './sample-fleet.ts';

const TARGET = join(import.meta.dirname, '..', '..', '..', '..', '..', '.artifacts', 'fleet');
const TOKEN = 'operator-token-of-the-pictures';
const PLACES = {
  list: '',
  boat: `#/boat/${SAMPLE_BOATS[0]?.id ?? ''}`,
  late: '#/?filter=late',
  login: '',
  display: '',
  invite: `#/boat/${SAMPLE_BOATS[0]?.id ?? ''}`,
  token: `#/boat/${SAMPLE_BOATS[0]?.id ?? ''}`,
  erase: `#/boat/${SAMPLE_BOATS[0]?.id ?? ''}`,
  accounts: '#/accounts',
  add: '#/accounts',
};

/** The labels of the controls that open a dialog, in English and German. */
const OPENS: Readonly<Partial<Record<keyof typeof PLACES, RegExp>>> = {
  display: /^(Display|Anzeige)$/,
  invite: /^(Invitation code|Einladungscode)$/,
  token: /^(Issue a token|Token ausstellen)$/,
  erase: /^(Erase everything|Alles löschen)$/,
  add: /^(Add an account|Konto hinzufügen)$/,
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
await addOperator(central.store, 'skipper', 'admin');
await addOperator(central.store, 'harbour-office', 'viewer');
const browser = await startBrowser(chromium);
try {
  for (const size of SCREENS.filter(({ width, height }) => sizes?.includes(`${width}x${height}`) ?? true))
    for (const theme of themes) {
      const context = await browser.newContext({ viewport: size, deviceScaleFactor: 1 });
      await context.addInitScript(`localStorage.setItem('d3kos-export-look', '${theme}')`);
      for (const [place, hash] of Object.entries(PLACES).filter(
        ([name]) => asked.length === 0 || asked.includes(name),
      )) {
        await context.clearCookies();
        const page = await context.newPage();
        page.on('console', (message) => {
          if (message.type() === 'error') console.log(`${place}: ${message.text()}`);
        });
        page.on('pageerror', (error) => console.log(`${place}: ${error.message}`));
        await page.clock.setFixedTime(SAMPLE_NOW);
        await page.goto(`${central.url}/?lang=${process.env['PAGE_LANGUAGE'] ?? 'en'}${hash}`);
        await page.locator('input[name=password]').waitFor();
        if (place !== 'login') {
          await page.locator('input[name=name]').fill('skipper');
          await page.locator('input[name=password]').fill(PASSWORD);
          await page.keyboard.press('Enter');
          await page.locator('.fleet[data-ready]').waitFor();
        }
        const opens = OPENS[place as keyof typeof PLACES];
        if (opens !== undefined) {
          await page.getByRole('button', { name: opens }).click();
          await page.locator('dialog').waitFor();
        }
        if (place === 'invite' || place === 'token') {
          await page
            .getByRole('dialog')
            .getByRole('button', { name: opens ?? '' })
            .click();
          await page.getByRole('dialog').locator('code').waitFor();
        }
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
