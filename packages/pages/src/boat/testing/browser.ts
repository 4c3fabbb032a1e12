import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium } from 'playwright-core';

/** Paths at which Linux distributions install Chromium. They are used only if the package has no Chromium for this processor. */
const CHROMIUM_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
/** The folder for files generated from installed packages. `npm ci` removes it. */
const CACHE = join(import.meta.dirname, '..', '..', '..', '..', '..', 'node_modules', '.cache');

/** The reason given when tests and screenshots are skipped without a browser. */
export const NO_BROWSER =
  'the package @sparticuz/chromium has a browser only for Linux on x64; install the package chromium, or set CHROMIUM to its path';

/**
 * The path of a Chromium, or undefined. The one in the package `@sparticuz/chromium` comes first, because every machine then
 * renders the same pixels. It is unpacked once, which takes a few seconds. The variable `CHROMIUM` selects another one.
 */
export function findChromium(): string | undefined {
  const named = process.env['CHROMIUM'];
  if (named !== undefined && named !== '') return named;
  if (platform() === 'linux' && arch() === 'x64') return join(unpackChromium(), 'chromium');
  return CHROMIUM_PATHS.find((path) => existsSync(path));
}

/**
 * Unpacks the package's Chromium and returns its folder. Several processes may do this at the same time: each unpacks into its
 * own folder, and the first rename wins.
 */
function unpackChromium(): string {
  const module = import.meta.resolve('@sparticuz/chromium');
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', module), 'utf8'));
  // npm requires every package to have a version.
  const { version } = manifest as { readonly version: string };
  const folder = join(CACHE, `chromium-${version}`);
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true });
  const staged = mkdtempSync(`${folder}-`);
  try {
    // The package unpacks into the temporary folder, whose path it reads on import. This variable makes it also unpack the
    // libraries that a minimal system lacks.
    const { status, stderr } = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import chromium from ${JSON.stringify(module)}; await chromium.executablePath();`,
      ],
      {
        env: { ...process.env, TMPDIR: staged, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' },
        encoding: 'utf8',
      },
    );
    if (status !== 0) throw new Error(`Unpacking Chromium into ${staged} failed: ${stderr}`);
    writeFileSync(join(staged, 'fonts.conf'), toFontConfiguration());
    renameSync(staged, folder);
  } catch (error) {
    rmSync(staged, { recursive: true, force: true });
    // Another process may have unpacked it in the meantime.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/**
 * The fonts for tests and pictures: DejaVu Sans, which boats have and which is wider than most, and Kosugi for Chinese and
 * Japanese. They come from packages, so that text has the same width on every machine.
 */
function toFontConfiguration(): string {
  const folders = [
    'dejavu-fonts-ttf/ttf/DejaVuSans.ttf',
    '@expo-google-fonts/kosugi/Kosugi_400Regular.ttf',
  ].map((file) => dirname(fileURLToPath(import.meta.resolve(file))));
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
${folders.map((folder) => `  <dir>${folder}</dir>`).join('\n')}
  <cachedir prefix="xdg">fontconfig</cachedir>
  <alias><family>sans-serif</family><prefer><family>DejaVu Sans</family><family>Kosugi</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
</fontconfig>
`;
}

/** Starts the browser. It loads only pages from this machine, so it needs no sandbox. */
export async function startBrowser(executablePath: string): Promise<Browser> {
  const folder = dirname(executablePath);
  const isOfPackage = folder.startsWith(CACHE);
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--no-zygote', '--disable-gpu', '--font-render-hinting=none'],
    ...(isOfPackage
      ? {
          env: {
            ...process.env,
            FONTCONFIG_FILE: join(folder, 'fonts.conf'),
            XDG_CACHE_HOME: folder,
            LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'),
          },
        }
      : {}),
  });
}

/** The screens for which the page is designed: two kiosks and a phone. */
export const SCREENS = [
  { width: 1280, height: 800 },
  { width: 1024, height: 600 },
  { width: 390, height: 844 },
] as const;
