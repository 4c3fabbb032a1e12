import { statfs } from 'node:fs/promises';

/** Returns the number of bytes that an ordinary account can still use on the disk of `folder`. */
export async function readFreeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
