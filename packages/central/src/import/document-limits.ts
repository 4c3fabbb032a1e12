/*
 * Limits on the work that one document causes. They are checked on the document's bytes before parsing, so rejecting a document
 * costs only one pass over its bytes.
 */

/**
 * Maximum number of records in one document. A record has 150 bytes or more, so the complete log of an older boat, about 10 MB in
 * one document, has fewer. Without this limit, a body of a few hundred KB could decode to millions of records.
 */
export const RECORDS_MAX = 100_000;

/**
 * Maximum number of JSON values in one document: ten for each of RECORDS_MAX records. The longest ordinary records have that
 * many. A value takes two bytes as text, less than one byte compressed, and about a hundred bytes in memory.
 */
export const VALUES_MAX = 10 * RECORDS_MAX;

/** Maximum number of JSON values outside the records: the header, 200 withdrawn sequences, and the facts of nine sections. */
export const OUTER_VALUES_MAX = 10_000;
