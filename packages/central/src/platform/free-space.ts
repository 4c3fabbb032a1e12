import { statfs } from 'node:fs/promises';

/** Returns the number of bytes on the disk of `folder` that an ordinary account can still use. */
export async function readFreeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
