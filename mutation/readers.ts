import type { Mutant } from './mutant.ts';

const COLLECT = 'packages/boat/src/collect';
const PLATFORM = 'packages/boat/src/platform';
const TEXT_TESTS = [`${PLATFORM}/text.test.ts`];
const ODD_TESTS = [`${COLLECT}/odd-sources.test.ts`];
const REDACT_TESTS = [`${COLLECT}/redact.test.ts`];
const NUMBER_TESTS = ['packages/protocol/src/exact-json.test.ts'];

/** Faults in reading malformed sources on the boat. */
export const READER_MUTANTS: readonly Mutant[] = [
  {
    name: 'a byte order mark stays in the text',
    file: `${PLATFORM}/text.ts`,
    before: 'return startsWith(bytes, UTF8_MARK) ? UTF8_MARK.length : 0;',
    after: 'return 0;',
    killedBy: TEXT_TESTS,
  },
  {
    name: 'UTF-16 without a byte order mark is read as UTF-8',
    file: `${PLATFORM}/text.ts`,
    before: "if (first !== 0 && second === 0 && third !== 0 && fourth === 0) return 'utf-16le';",
    after: '',
    killedBy: TEXT_TESTS,
  },
  {
    name: 'a byte that is not UTF-8 is lost',
    file: `${PLATFORM}/text.ts`,
    before: 'return isUtf8(bytes) ? buffer',
    after: 'return bytes.length > 0 ? buffer',
    killedBy: TEXT_TESTS,
  },
  {
    name: 'NUL bytes left by a power cut do not end a line',
    file: `${PLATFORM}/text-lines.ts`,
    before: 'const pieces = line.split(/\\0+/);',
    after: 'const pieces = [line];',
    killedBy: ODD_TESTS,
  },
  {
    name: 'a line that cannot be parsed is not counted',
    file: `${COLLECT}/webhook-log.ts`,
    before: "if (entry === undefined && kind === 'whole')",
    after: "if (entry === undefined && kind === 'last')",
    killedBy: ODD_TESTS,
  },
  {
    name: 'a list of camera slots counts as an unknown structure',
    file: `${COLLECT}/settings.ts`,
    before: 'return Array.isArray(value) ? value : asObject(value);',
    after: 'return asObject(value);',
    killedBy: ODD_TESTS,
  },
  {
    name: 'one faulty settings file affects the others',
    file: `${COLLECT}/settings.ts`,
    before: 'if (found === 0 && browser === undefined)',
    after: 'if (problems.length > 0 || (found === 0 && browser === undefined))',
    killedBy: ODD_TESTS,
  },
  {
    name: 'a key of vessel.env that is not exported is not reported',
    file: `${COLLECT}/onboarding.ts`,
    before: 'else onLeftOut(key);',
    after: 'else continue;',
    killedBy: ODD_TESTS,
  },
  {
    name: 'keys that are not on an allow-list are not reported',
    file: `${COLLECT}/source-notes.ts`,
    before: 'if (keys.size < KEYS_COUNTED_MAX) keys.add(key);\n      sources.set(name, keys);',
    after: 'if (keys.size < KEYS_COUNTED_MAX) keys.add(key);',
    killedBy: ODD_TESTS,
  },
  {
    name: 'an unreadable time zone file is not reported',
    file: `${COLLECT}/time-zone-file.ts`,
    before: 'return { problem: `${TIME_ZONE_PATH} ${file.reason}` };',
    after: 'return {};',
    killedBy: ODD_TESTS,
  },
  {
    name: 'an integer beyond 2^53 is rounded',
    file: 'packages/protocol/src/exact-json.ts',
    before: 'return Number.isSafeInteger(value);',
    after: 'return true;',
    killedBy: NUMBER_TESTS,
  },
  {
    name: 'a sentence about a key loses its value',
    file: `${COLLECT}/redact.ts`,
    before: "return isLikeCredential(value) || (sign.includes('=') && value.length >= 8);",
    after: 'return true;',
    killedBy: REDACT_TESTS,
  },
  {
    name: 'a bearer token stays behind its scheme',
    file: `${COLLECT}/redact.ts`,
    before: 'if (/^(?:bearer|basic|digest|token) /i.test(value)) return true;',
    after: '',
    killedBy: REDACT_TESTS,
  },
  {
    name: 'JSON of any depth is parsed',
    file: `${PLATFORM}/lenient-json.ts`,
    before: 'if (levels > max.levels) break;',
    after: 'levels = Math.min(levels, JSON_LEVELS_MAX);',
    killedBy: TEXT_TESTS,
  },
];
