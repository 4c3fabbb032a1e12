import { statfs } from 'node:fs/promises';

/** Returns the bytes of the disk of `folder` that an ordinary account may still use. */
export async function readFreeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
