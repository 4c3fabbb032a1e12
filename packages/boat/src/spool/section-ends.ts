import { CATEGORY_STATES, type Category, type CategoryState } from '@d3kos/protocol';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { ExportError } from '../platform/errors.ts';
import type { Clock, Disk } from '../platform/ports.ts';
import { toLineKind } from './policy.ts';
import { readLines } from './read-lines.ts';

/** Number of bytes at the start of a line that determine the line's kind. */
const LINE_START_LENGTH = 64;

/** The closing facts of a category's section. */
export interface SectionEnd {
  readonly state: CategoryState;
  readonly count: number;
}

const sectionEnd = Compile(
  Type.Object({ entry_count: Type.Integer({ minimum: 0 }), state: Type.Enum([...CATEGORY_STATES]) }),
);

/**
 * Reads each category's state and record count from the file. If a file's entry was lost, adoption needs them so that the file's
 * parts have the same bytes as parts that were sent before. Throws EXPORT_FILE_DAMAGED if a section end is not JSON: `cutFile`
 * checks only how lines begin, and a disk that does not honour syncs can truncate a line anywhere.
 */
export async function readSectionEnds(
  disk: Disk,
  clock: Clock,
  path: string,
): Promise<Readonly<Partial<Record<Category, SectionEnd>>>> {
  const ends: Partial<Record<Category, SectionEnd>> = {};
  let category: Category | undefined;
  for await (const { bytes } of readLines(disk, clock, path)) {
    const line = toLineKind(Buffer.from(bytes.subarray(0, LINE_START_LENGTH)).toString('latin1'));
    if (line?.kind === 'open') category = line.category;
    if (line?.kind !== 'close' || category === undefined) continue;
    // A list ends with `],"entry_count":…}` and a document with `,"entry_count":…}`. A comma follows every section except the
    // last.
    const text = Buffer.from(bytes).toString('utf8').replace(/^\]?,/, '{').replace(/,$/, '');
    const end = parseEnd(text, path);
    if (sectionEnd.Check(end)) ends[category] = { state: end.state, count: end.entry_count };
  }
  return ends;
}

function parseEnd(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ExportError('EXPORT_FILE_DAMAGED', `The export file ${path} has an incomplete section end`, {
      op: 'read the section ends',
      hint: 'The next export contains its records again. The file is kept so that you can examine it.',
      cause,
    });
  }
}
