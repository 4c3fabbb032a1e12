import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The folder with the web page's files, which `npm run setup` builds: `page` beside the bundled program, or the build folder if
 * the program runs from source.
 */
export const PAGE_FOLDER =
  [join(import.meta.dirname, 'page'), join(import.meta.dirname, '..', '..', 'dist', 'page')].find((folder) =>
    existsSync(folder),
  ) ?? join(import.meta.dirname, 'page');
