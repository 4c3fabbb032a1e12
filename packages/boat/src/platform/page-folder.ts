import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The folder with the files of the web page, which `npm run setup` builds: `page` beside the bundled program, and the folder of the
 * build if the program runs from its sources.
 */
export const PAGE_FOLDER =
  [join(import.meta.dirname, 'page'), join(import.meta.dirname, '..', '..', 'dist', 'page')].find((folder) =>
    existsSync(folder),
  ) ?? join(import.meta.dirname, 'page');
