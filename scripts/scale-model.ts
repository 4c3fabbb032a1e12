/** What one daily export costs central, as measured by `npm run bench -- scale`. */
export interface ExportCost {
  readonly nodeCpuMs: number;
  readonly databaseCpuMs: number;
  readonly records: number;
  readonly bytesPerRecord: number;
  readonly bytesPerExport: number;
  readonly walBytes: number;
}

/** The kind of database that a fleet needs. */
export type DatabaseKind = 'embedded' | 'one PostgreSQL' | 'Citus';

/** The size of a central deployment. */
export interface FleetSize {
  readonly boats: number;
  readonly importsPerS: number;
  readonly busiestImportsPerS: number;
  readonly nodes: number;
  readonly database: DatabaseKind;
  /** Servers that each hold a share of the data, in one copy. */
  readonly servers: number;
  /** The database's CPU cores, in one copy. */
  readonly databaseCores: number;
  readonly copies: number;
  readonly connections: number;
  readonly needsPooler: boolean;
  readonly recordsPerYear: number;
  readonly bytesPerYear: number;
  readonly walBytesPerDay: number;
  /** Monthly cost at the end of the first year, in US dollars. */
  readonly costPerMonth: number;
}

/** Each boat creates one export a day. */
const EXPORTS_PER_DAY = 1;

/**
 * Share of a day's exports in the busiest hour: a fleet's boats sail in few time zones and export at the same local hour.
 */
const BUSIEST_HOUR_SHARE = 0.25;

/**
 * Share of a core that imports may use in the busiest hour. The rest is for boats that return after an outage, queries and
 * vacuum.
 */
const CORE_SHARE_MAX = 0.5;

/** One node's database connections (packages/central/src/platform/pg-store.ts). */
const CONNECTIONS_PER_NODE = 10;

/** Connections that a PostgreSQL server with the default limit of 100 has left for nodes. */
const CONNECTIONS_MAX = 90;

/**
 * Maximum growth per year that the embedded database is suitable for. It has no standby, and must be stopped for a backup of
 * its folder.
 */
const EMBEDDED_BYTES_PER_YEAR_MAX = 100e9;

/** Maximum amount of data on one server. A larger amount takes more than a day to restore at 100 MB/s. */
const SERVER_BYTES_MAX = 8e12;

/** Minimum number of cores in a database server. */
const SERVER_CORES_MIN = 2;

/** Assumed prices in US dollars per month. They are not measured: replace them with those of your provider. */
export const PRICES = { core: 25, diskPerGb: 0.1, backupPerGb: 0.02 } as const;

/**
 * Computes the size of central for a given number of boats. It grows in proportion to the boats, except where a server has a
 * minimum size.
 */
export function toFleetSize(boats: number, cost: ExportCost): FleetSize {
  const exportsPerDay = boats * EXPORTS_PER_DAY;
  const busiestImportsPerS = (exportsPerDay * BUSIEST_HOUR_SHARE) / 3_600;
  const toCores = (cpuMs: number): number => Math.ceil((busiestImportsPerS * cpuMs) / 1_000 / CORE_SHARE_MAX);
  const bytesPerYear = exportsPerDay * 365 * (cost.records * cost.bytesPerRecord + cost.bytesPerExport);
  const database = toDatabase(bytesPerYear);
  const copies = database === 'embedded' ? 1 : 2;
  const servers = database === 'Citus' ? Math.ceil(bytesPerYear / SERVER_BYTES_MAX) : 1;
  // A node runs on one core. Two nodes serve the fleet while one is being upgraded.
  const nodes = Math.max(database === 'embedded' ? 1 : 2, toCores(cost.nodeCpuMs));
  const databaseCores = Math.max(servers * SERVER_CORES_MIN, toCores(cost.databaseCpuMs));
  const connections = nodes * CONNECTIONS_PER_NODE;
  const gigabytes = bytesPerYear / 1e9;
  return {
    boats,
    importsPerS: exportsPerDay / 86_400,
    busiestImportsPerS,
    nodes,
    database,
    servers,
    databaseCores,
    copies,
    connections,
    needsPooler: connections > CONNECTIONS_MAX,
    recordsPerYear: exportsPerDay * 365 * cost.records,
    bytesPerYear,
    walBytesPerDay: exportsPerDay * cost.walBytes,
    costPerMonth:
      (nodes + databaseCores * copies) * PRICES.core +
      gigabytes * (copies * PRICES.diskPerGb + PRICES.backupPerGb),
  };
}

function toDatabase(bytesPerYear: number): DatabaseKind {
  if (bytesPerYear <= EMBEDDED_BYTES_PER_YEAR_MAX) return 'embedded';
  return bytesPerYear <= SERVER_BYTES_MAX ? 'one PostgreSQL' : 'Citus';
}

/** Reads the costs from the benchmark's figures. Throws if one is missing or was not measured. */
export function toExportCost(
  figures: readonly { readonly figure: string; readonly value: number | null }[],
): ExportCost {
  const read = (name: string): number => {
    const value = figures.find(({ figure }) => figure === `scale.${name}`)?.value;
    if (typeof value !== 'number') throw new Error(`the figures lack scale.${name}`);
    return value;
  };
  return {
    nodeCpuMs: read('node_cpu_per_export'),
    databaseCpuMs: read('database_cpu_per_export'),
    records: read('records_per_export'),
    bytesPerRecord: read('bytes_per_record'),
    bytesPerExport: read('bytes_per_export'),
    walBytes: read('wal_per_export'),
  };
}

/** Formats sizes as the lines of a Markdown table with one column for each size. */
export function toScaleTable(sizes: readonly FleetSize[]): readonly string[] {
  const rows: readonly (readonly [title: string, cell: (size: FleetSize) => string])[] = [
    ['imports per second, average', ({ importsPerS }) => toNumber(importsPerS)],
    ['imports per second, busiest hour', ({ busiestImportsPerS }) => toNumber(busiestImportsPerS)],
    ['nodes, one core each', ({ nodes }) => toNumber(nodes)],
    ['database', ({ database }) => database],
    ['database servers, in each copy', ({ servers }) => toNumber(servers)],
    ['database cores, in each copy', ({ databaseCores }) => toNumber(databaseCores)],
    ['copies of the database', ({ copies }) => toNumber(copies)],
    [
      'node connections',
      ({ connections, needsPooler }) => `${toNumber(connections)}${needsPooler ? ', through PgBouncer' : ''}`,
    ],
    ['records per year', ({ recordsPerYear }) => toNumber(recordsPerYear)],
    ['storage per year, in each copy', ({ bytesPerYear }) => toBytes(bytesPerYear)],
    ['WAL per day', ({ walBytesPerDay }) => toBytes(walBytesPerDay)],
    ['cost per month after a year', ({ costPerMonth }) => `$${toNumber(costPerMonth)}`],
    ['cost per boat per year', ({ costPerMonth, boats }) => `$${toNumber((costPerMonth * 12) / boats)}`],
  ];
  const titles = sizes.map(({ boats }) => `${boats.toLocaleString('en')} boats`);
  return [
    `| | ${titles.join(' | ')} |`,
    `|---|${titles.map(() => '---|').join('')}`,
    ...rows.map(([title, cell]) => `| ${title} | ${sizes.map(cell).join(' | ')} |`),
  ];
}

/** Formats a number with two significant digits, and whole numbers below a thousand exactly. */
function toNumber(value: number): string {
  if (Number.isInteger(value) && value < 1_000) return String(value);
  return Number(value.toPrecision(2)).toLocaleString('en', { maximumFractionDigits: 4 });
}

function toBytes(bytes: number): string {
  const units = ['kB', 'MB', 'GB', 'TB'];
  const at = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(bytes) / 3) - 1));
  return `${toNumber(bytes / 1_000 ** (at + 1))} ${units[at] ?? ''}`;
}
