import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import { CentralFailure } from './errors.ts';
import type { Archive, NewFile } from './ports.ts';

/**
 * Opens an archive whose files have the given time. Each file is compressed and sent while it is written, and writes wait for a
 * slow reader, so memory use does not depend on the archive's size. One file is written at a time.
 */
export function openArchive(wallMs: number): Archive {
  const zip = new ZipFile();
  // yazl declares an older stream type, but actually creates a stream from `node:stream`.
  const output = zip.outputStream as Readable;
  const closing = new AbortController();
  output.once('close', () => closing.abort());
  return {
    directory: {
      createFile: async (name) => {
        const entry = new PassThrough();
        // The size is unknown until the file ends, and may exceed 4 GiB.
        zip.addReadStream(entry, name, { forceZip64Format: true, mtime: new Date(wallMs) });
        return toFile(name, entry, closing.signal);
      },
    },
    bytes: Readable.toWeb(output) as ReadableStream<Uint8Array>,
    end: () => zip.end(),
    fail: (error) => output.destroy(error),
  };
}

function toFile(name: string, entry: PassThrough, signal: AbortSignal): NewFile {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    async append(piece) {
      try {
        signal.throwIfAborted();
        if (!entry.write(piece)) await once(entry, 'drain', { signal });
      } catch (cause) {
        throw new CentralFailure('OUTPUT_FAILED', `the archive was closed while ${name} was being written`, {
          op: 'write the archive',
          hint: 'download it again',
          cause,
        });
      }
      hash.update(piece);
      bytes += piece.byteLength;
    },
    commit: async () => {
      entry.end();
      return { bytes, sha256: hash.digest('hex') };
    },
    abandon: async () => void entry.destroy(),
  };
}
