import { join } from 'node:path';
import {
  type AllowedWords,
  asObject,
  asObjects,
  toAllowed,
  toNumber,
  toScalar,
  toScalarText,
  toWords,
} from './allowed.ts';
import { readBrowserShape } from './browser-data.ts';
import type { CollectContext, CollectOutcome, Collector, Page } from './collector.ts';
import { sha256 } from './digest.ts';
import { toRecordId } from './policy/record-ids.ts';
import { type SourceOutcome, mergeSourceOutcomes } from './policy/source-outcomes.ts';
import type { TimestampReader } from './policy/timestamps.ts';
import {
  readSourceJson,
  readTimestampReader,
  SOURCE_FILE_SIZE_MAX_BYTES,
  toFileDetail,
  toFileOutcome,
} from './source-file.ts';
import {
  createLeftOutKeys,
  createOddParts,
  joinDetails,
  type OddParts,
  type OnLeftOut,
} from './source-notes.ts';
import { createStateRecords, type StateRecord, type StateRecords, toStatePages } from './state-records.ts';

/** Words allowed in a benchmark's keys (docs/spec/sources.md, "1 engine_benchmark"). Units are kPa and °C. */
const BENCHMARK_WORDS: AllowedWords = toWords(
  'id version timestamp start end time date duration samples sample count engine hours hour conditions air temp sea state',
  'wind water humidity pressure barometric altitude load notes note name type baseline metrics avg average rpm idle cruise',
  'full throttle wot max min mean median stddev std dev value values rate total consumption temperature oil coolant',
  'exhaust fuel voltage charging battery alternator boost trim gear speed warmup warm up curve ratio percent pct kpa psi',
  'c f v l h s deg degrees unit units score grade result results status peak low high low vibration knock manifold map',
  'egt iat lambda test tests stable ok',
);

/** Files with results (docs/spec/sources.md, "1 engine_benchmark") and the kind of records they contain. */
const SOURCES = [
  { name: 'config/benchmark-results.json', kind: 'results' },
  { name: 'data/engine-benchmark.json', kind: 'engine-benchmark' },
  { name: 'data/baselines/engine-baseline.json', kind: 'engine-baseline' },
] as const;
/** Folders that contain downloads from the kiosk page. */
const DOWNLOAD_FOLDERS = ['data', 'config', 'data/benchmarks'] as const;
const DOWNLOAD_NAME = /^d3kos-benchmark-\d{4}-\d\d-\d\d(?: ?\(\d{1,3}\))?\.json$/;
/** Maximum number of downloads read per folder: one a day for a year. */
const DOWNLOADS_MAX = 366;
/**
 * Maximum total size of the downloads read per folder, in bytes. Every export reads them, which takes about 10 s on a Raspberry
 * Pi.
 */
const DOWNLOADS_SIZE_MAX_BYTES = 64 * 1024 * 1024;
const BROWSER_TESTS = 'd3kos-benchmark-tests';
const BROWSER_BASELINE = 'd3kos-benchmark-baseline';

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads engine benchmarks. Each test and each baseline is one record. A test that is found in several places is exported only
 * once.
 */
export const engineBenchmarkCollector: Collector = { category: 'engine_benchmark', isNews: true, collect };

async function* collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void> {
  const readTime = await readTimestampReader(context);
  const records = createStateRecords(context);
  const outcomes: SourceOutcome[] = [];
  for (const { name, kind } of SOURCES)
    outcomes.push(
      yield* collectFile(context, records, name, (value, notes) =>
        toResults(kind, value, { readTime, ...notes }),
      ),
    );
  for (const folder of DOWNLOAD_FOLDERS) {
    const { names, outcome } = await listDownloads(context, folder);
    outcomes.push(outcome);
    for (const name of names)
      outcomes.push(
        yield* collectFile(context, records, name, (value, notes) =>
          toDownload(value, { readTime, ...notes }),
        ),
      );
  }
  outcomes.push(yield* collectBrowser(context, records, readTime));
  return { ...mergeSourceOutcomes(outcomes), cursors: [] };
}

async function* collectFile(
  context: CollectContext,
  records: StateRecords,
  name: string,
  toRecords: (value: unknown, notes: Notes) => readonly StateRecord[] | undefined,
): AsyncGenerator<Page, SourceOutcome, void> {
  const file = await readSourceJson(context, name);
  if (file.kind !== 'value') return toFileOutcome(name, file);
  const notes = createNotes(name);
  const found = toRecords(file.value, notes);
  if (found === undefined) return { state: 'schema_unknown', detail: `${name} contains no benchmark` };
  yield* toStatePages(records, found);
  return { state: found.length === 0 ? 'empty' : 'ok', ...joinDetails(notes.sentences()) };
}

/** The elements and keys of a source that could not be interpreted or are not allowed. */
interface Notes {
  readonly odd: OddParts;
  readonly onLeftOut: OnLeftOut;
}

/** How one source's records are read. */
interface Reading extends Notes {
  readonly readTime: TimestampReader;
}

function createNotes(name: string): Notes & { sentences(): readonly (string | undefined)[] } {
  const odd = createOddParts(name, 'element');
  const leftOut = createLeftOutKeys();
  return {
    odd,
    onLeftOut: leftOut.of(name),
    sentences: () => [odd.detail(), leftOut.detail()],
  };
}

async function listDownloads(
  context: CollectContext,
  folder: string,
): Promise<{ readonly names: readonly string[]; readonly outcome: SourceOutcome }> {
  try {
    const entries = (await context.disk.list(join(context.paths.root, folder), 'follow')) ?? [];
    const downloads = entries.filter(({ kind, name }) => kind === 'file' && DOWNLOAD_NAME.test(name));
    const names = toNewest(downloads).map((name) => `${folder}/${name}`);
    const older = downloads.length - names.length;
    return {
      names,
      outcome: {
        state: 'source_missing',
        ...joinDetails([older > 0 ? `${older} older downloads in ${folder} were not read` : undefined]),
      },
    };
  } catch (error) {
    return { names: [], outcome: { state: 'error', detail: toFileDetail(error, folder) } };
  }
}

/**
 * Returns the names of the newest downloads within the limits, in date order. A file that is too large is left out without being
 * read.
 */
function toNewest(
  downloads: readonly { readonly name: string; readonly sizeBytes: number }[],
): readonly string[] {
  let leftBytes = DOWNLOADS_SIZE_MAX_BYTES;
  const newest: string[] = [];
  for (const { name, sizeBytes } of downloads.slice(-DOWNLOADS_MAX).reverse()) {
    if (sizeBytes <= SOURCE_FILE_SIZE_MAX_BYTES) leftBytes -= sizeBytes;
    if (leftBytes < 0) break;
    newest.push(name);
  }
  return newest.reverse();
}

function toResults(kind: string, value: unknown, reading: Reading): readonly StateRecord[] | undefined {
  const results = asObject(value);
  if (results === undefined) return undefined;
  if (Array.isArray(results['tests'])) return toDownload(value, reading);
  const record = toBenchmark(kind, kind, results, reading);
  return Object.keys(record).length > EMPTY_RECORD_KEYS ? [record] : [];
}

/** Every record has record_id, kind, timestamp, timestamp_utc and timestamp_zone. */
const EMPTY_RECORD_KEYS = 5;

function toDownload(value: unknown, reading: Reading): readonly StateRecord[] | undefined {
  const download = asObject(value);
  const tests = Array.isArray(value) ? value : download?.['tests'];
  if (!Array.isArray(tests)) return undefined;
  const baseline = asObject(download?.['baseline']);
  return [...toTests(tests, reading), ...(baseline === undefined ? [] : [toBaseline(baseline, reading)])];
}

function toTests(tests: readonly unknown[], reading: Reading): readonly StateRecord[] {
  const objects = asObjects(tests, reading.odd) ?? [];
  return objects.map((test) => toBenchmark('test', toTestName(test), test, reading));
}

/** Returns a test's name: its id (the start time), or a digest of its content if it has no id. */
function toTestName(test: JsonObject): string {
  const id = toScalar(test['id']);
  if (id !== null) return `test:${toScalarText(id)}`;
  return `test:~${sha256(JSON.stringify(test)).slice(0, 32)}`;
}

function toBaseline(baseline: JsonObject, reading: Reading): StateRecord {
  const id = toScalar(baseline['id']);
  const name = id === null ? 'baseline' : `baseline:${toScalarText(id)}`;
  return toBenchmark('baseline', name, baseline, reading);
}

function toBenchmark(
  kind: string,
  name: string,
  source: JsonObject,
  { readTime, onLeftOut }: Reading,
): StateRecord {
  const allowed = asObject(toAllowed(source, BENCHMARK_WORDS, onLeftOut)) ?? {};
  const timestamp = toScalar(source['timestamp'] ?? source['startTime'] ?? source['exportDate']);
  const { utc, zone } = readTime(timestamp);
  return {
    record_id: toRecordId(name, kind === 'test' || timestamp === null ? '' : toScalarText(timestamp), sha256),
    kind,
    timestamp,
    timestamp_utc: utc,
    timestamp_zone: zone,
    ...omitTimestamp(allowed),
    ...('avgMetrics' in allowed ? { avgMetrics: toNumbers(allowed['avgMetrics']) } : {}),
    ...(Array.isArray(allowed['samples']) ? { samples: allowed['samples'].map(toNumbers) } : {}),
  };
}

function omitTimestamp(source: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(source).filter(([key]) => key !== 'timestamp' && key !== 'kind'));
}

/**
 * Converts strings to numbers, except times, because the kiosk writes numbers as strings. `NaN`, which it writes for a missing
 * sensor, becomes null.
 */
function toNumbers(values: unknown): unknown {
  const object = asObject(values);
  if (object === undefined) return values;
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [
      key,
      typeof value === 'string' && !/time/i.test(key) ? toNumber(value) : value,
    ]),
  );
}

async function* collectBrowser(
  context: CollectContext,
  records: StateRecords,
  readTime: TimestampReader,
): AsyncGenerator<Page, SourceOutcome, void> {
  const notes = createNotes(BROWSER_TESTS);
  const reading = { readTime, ...notes };
  const problems: string[] = [];
  const onProblem = (problem: string): void => void problems.push(problem);
  const tests = readBrowserShape(context, BROWSER_TESTS, toList, onProblem) ?? [];
  const baseline = readBrowserShape(context, BROWSER_BASELINE, asObject, onProblem);
  const found = [
    ...toTests(tests, reading),
    ...(baseline === undefined ? [] : [toBaseline(baseline, reading)]),
  ];
  yield* toStatePages(records, found);
  const state = found.length > 0 ? 'ok' : problems.length > 0 ? 'error' : 'source_missing';
  return { state, ...joinDetails([...problems, ...notes.sentences()]) };
}

function toList(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}
