import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Places where Linux distributions install Chromium. `CHROMIUM` names another one. */
const CHROMIUM_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The path of an installed Chromium, or undefined. */
export function findChromium(): string | undefined {
  return [process.env['CHROMIUM'] ?? '', ...CHROMIUM_PATHS].find((path) => path !== '' && existsSync(path));
}

/** Why tests and pictures are skipped without a browser. */
export const NO_BROWSER =
  'no Chromium is installed; install the package chromium, or set CHROMIUM to its path';

/** Starts the browser. It loads only pages of this machine, so it needs no sandbox. */
export async function startBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
}

/** The screens that the page is made for: two kiosks and a phone. */
export const SCREENS = [
  { width: 1280, height: 800 },
  { width: 1024, height: 600 },
  { width: 390, height: 844 },
] as const;
