import { isExactNumber } from '@d3kos/protocol';
import { parseForeignJson } from '../platform/lenient-json.ts';
import { decodeText, toBareText } from '../platform/text.ts';
import { type SourceValue, toJsonValue } from './source-table.ts';

/** A JSON column's value: a number unchanged, otherwise the parsed text or bytes. */
export type JsonColumn =
  | { readonly kind: 'none' }
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'odd'; readonly reason: string };

/** Reads a column that contains JSON, in any encoding that `decodeText` supports. NULL and blank text have no value. */
export function readJsonColumn(stored: SourceValue): JsonColumn {
  const text = stored instanceof Uint8Array ? decodeText(stored) : toJsonValue(stored);
  if (typeof text !== 'string')
    return typeof text === 'number' || isExactNumber(text)
      ? { kind: 'value', value: text }
      : { kind: 'none' };
  const bare = toBareText(text);
  return bare.trim() === '' ? { kind: 'none' } : parseForeignJson(bare);
}
