import { CATEGORY_STATES, type Category, type CategoryState } from '@d3kos/protocol';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Clock, Disk } from '../platform/ports.ts';
import { toLineKind } from './policy.ts';
import { readLines } from './read-lines.ts';

/** Enough of a line to tell what it is. */
const LINE_START_LENGTH = 64;

/** What a category's section says of itself at its end. */
export interface SectionEnd {
  readonly state: CategoryState;
  readonly count: number;
}

const sectionEnd = Compile(
  Type.Object({ entry_count: Type.Integer({ minimum: 0 }), state: Type.Enum([...CATEGORY_STATES]) }),
);

/**
 * How each category's collection ended, as the file itself says it: for a file whose entry was lost, so that its parts are
 * again the bytes that may have been sent before. The file has been found whole by `cutFile`.
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
    // `],"entry_count":…}` of a list, `,"entry_count":…}` of a document, and a comma behind all but the last section.
    const text = Buffer.from(bytes).toString('utf8').replace(/^\]?,/, '{').replace(/,$/, '');
    const end: unknown = JSON.parse(text);
    if (sectionEnd.Check(end)) ends[category] = { state: end.state, count: end.entry_count };
  }
  return ends;
}
