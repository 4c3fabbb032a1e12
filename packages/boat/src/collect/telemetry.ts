import { join } from 'node:path';
import { isExportError } from '../platform/errors.ts';
import type { CollectContext, CollectOutcome, Collector, Page } from './collector.ts';
import { toLine, toPage } from './page.ts';
import { readTextFile } from '../platform/text-file.ts';

/** Maximum size of a file read from /proc or /sys, in bytes. meminfo is 1.5 kB. */
const SAMPLE_FILE_SIZE_MAX_BYTES = 64 * 1024;
/** Thermal zones report thousandths of a degree. */
const MILLIDEGREES = 1000;

/** The usage analytics database, which not every boat has. */
const USAGE_PATH = 'data/telemetry/telemetry.db';
/** Maximum number of usage analytics tables whose rows are counted, and the pattern for table names that may leave the boat. */
const USAGE_TABLES_MAX = 50;
const USAGE_TABLE_NAME = /^[a-z][a-z0-9_]{0,39}$/;
/** Maximum number of rows counted in a table. Counting blocks the event loop, and a damaged table may have endless rows. */
const USAGE_ROWS_MAX = 1_000_000;

/**
 * Samples the machine's state at the time of the export: uptime, memory, disk, load and CPU temperature. Each sample is a record,
 * but a sample alone does not justify an export. Usage analytics are read only with the owner's consent. Even then, only each
 * table's row count is exported, because the tables' columns are unknown.
 */
export const telemetryCollector: Collector = { category: 'telemetry', isNews: false, collect };

async function* collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void> {
  const { proc, sys, root } = context.paths;
  const read = async (path: string): Promise<string | undefined> => {
    const file = await readTextFile(context.disk, path, SAMPLE_FILE_SIZE_MAX_BYTES);
    return file.kind === 'text' ? file.text : undefined;
  };
  const uptimeText = await read(join(proc, 'uptime'));
  const uptime = parseFirstNumber(uptimeText);
  const memory = await read(join(proc, 'meminfo'));
  const loads = ((await read(join(proc, 'loadavg'))) ?? '').trim().split(/\s+/);
  const bootId = (await read(join(proc, 'sys/kernel/random/boot_id')))?.trim();
  const temperature = parseFirstNumber(await read(join(sys, 'class/thermal/thermal_zone0/temp')));
  const timestamp = new Date(context.clock.wall()).toISOString();
  const totalKb = parseMeminfo(memory, 'MemTotal');
  const availableKb = parseMeminfo(memory, 'MemAvailable');
  const record = {
    // The boot ID and uptime make the ID unique, because the wall clock may show the same time twice.
    record_id: `${toBootName(bootId)}+${uptime ?? 'unknown'}@${timestamp}`,
    timestamp,
    timestamp_utc: timestamp,
    timestamp_zone: 'stated',
    boot_id: bootId === undefined ? null : toBootName(bootId),
    system_uptime_seconds: uptime,
    memory_total_kb: totalKb,
    memory_available_kb: availableKb,
    memory_used_percent: toUsedPercent(totalKb, availableKb),
    ...(await readSpace(context, root)),
    load_average_1m: parseFirstNumber(loads[0]),
    load_average_5m: parseFirstNumber(loads[1]),
    load_average_15m: parseFirstNumber(loads[2]),
    cpu_temperature_c: temperature === null ? null : temperature / MILLIDEGREES,
    ...(context.usageConsent === true ? { usage: countUsage(context) } : {}),
  };
  yield toPage([toLine(record)]);
  return { state: 'ok', cursors: [] };
}

/**
 * Returns each usage analytics table's row count, at most `USAGE_ROWS_MAX`, or null if the database is missing or cannot be read.
 */
function countUsage(context: CollectContext): Readonly<Record<string, number>> | null {
  try {
    const db = context.databases.openSource(join(context.paths.root, USAGE_PATH));
    if (db === undefined) return null;
    try {
      const tables = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name LIMIT ?")
        .all(USAGE_TABLES_MAX)
        .map((row) => String(row['name']))
        .filter((name) => USAGE_TABLE_NAME.test(name) && !name.startsWith('sqlite_'));
      return Object.fromEntries(
        tables.map((name) => {
          const rows = db.prepare(
            `SELECT count(*) AS n FROM (SELECT 1 FROM "${name}" LIMIT ${USAGE_ROWS_MAX})`,
          );
          return [name, Number(rows.get()?.['n'])];
        }),
      );
    } finally {
      db.close();
    }
  } catch {
    // The sample is useful even without these counts. Null means unknown.
    return null;
  }
}

function toBootName(bootId: string | undefined): string {
  return bootId !== undefined && /^[0-9a-f-]{8,36}$/.test(bootId) ? bootId : 'boot';
}

function parseFirstNumber(text: string | undefined): number | null {
  const number = Number.parseFloat(text ?? '');
  return Number.isFinite(number) ? number : null;
}

function parseMeminfo(text: string | undefined, name: string): number | null {
  const match = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text ?? '');
  return match?.[1] === undefined ? null : Number(match[1]);
}

function toUsedPercent(total: number | null, free: number | null): number | null {
  return total === null || free === null || total === 0 ? null : ((total - free) / total) * 100;
}

/** Returns the disk usage of the file system that contains the boat's root, or nulls if the system does not report it. */
async function readSpace(
  context: CollectContext,
  root: string,
): Promise<Readonly<Record<string, number | null>>> {
  try {
    const { totalBytes, freeBytes } = await context.disk.space(root);
    return {
      disk_total_bytes: totalBytes,
      disk_used_bytes: totalBytes - freeBytes,
      disk_free_bytes: freeBytes,
      disk_used_percent: toUsedPercent(totalBytes, freeBytes),
    };
  } catch (error) {
    if (!isExportError(error)) throw error;
    return { disk_total_bytes: null, disk_used_bytes: null, disk_free_bytes: null, disk_used_percent: null };
  }
}
