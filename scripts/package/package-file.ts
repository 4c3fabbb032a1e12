import {
  chmodSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** One file of a Debian package. `path` is relative to `/`. */
export type PackageFile =
  | {
      readonly path: string;
      readonly kind: 'text';
      readonly text: string | Uint8Array;
      readonly mode?: number;
    }
  | { readonly path: string; readonly kind: 'copy'; readonly from: string; readonly mode?: number }
  | { readonly path: string; readonly kind: 'link'; readonly target: string };

/** Default mode of a file. */
const MODE_DEFAULT = 0o644;
const FOLDER_MODE = 0o755;

/**
 * Lists the files below a folder as copies below `path`. Executables keep their execute permission; other modes
 * are not kept.
 */
export function listCopies(folder: string, path: string): readonly PackageFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const from = join(entry.parentPath, entry.name);
      const mode = (statSync(from).mode & 0o111) === 0 ? MODE_DEFAULT : FOLDER_MODE;
      return { path: join(path, from.slice(folder.length + 1)), kind: 'copy' as const, from, mode };
    });
}

/**
 * Writes the files below `root`. Modes and times are set explicitly, so that neither the umask nor the build time changes the
 * package.
 */
export function stageFiles(root: string, files: readonly PackageFile[], timeS: number): void {
  mkdirSync(root, { recursive: true });
  for (const file of files) {
    const target = join(root, file.path);
    mkdirSync(dirname(target), { recursive: true });
    if (file.kind === 'link') symlinkSync(file.target, target);
    else {
      if (file.kind === 'text') writeFileSync(target, file.text);
      else copyFileSync(file.from, target);
      chmodSync(target, file.mode ?? MODE_DEFAULT);
    }
  }
  const all = readdirSync(root, { recursive: true, withFileTypes: true });
  for (const entry of all)
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), FOLDER_MODE);
  chmodSync(root, FOLDER_MODE);
  for (const entry of all) lutimesSync(join(entry.parentPath, entry.name), timeS, timeS);
  lutimesSync(root, timeS, timeS);
}
