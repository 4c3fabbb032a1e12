import { makeStandby, placePostgres, type PostgresServer } from './postgres-server.ts';
import type { Processes } from './processes.ts';
import { openTcpSwitch, type TcpSwitch } from './tcp-switch.ts';
import { until } from './until.ts';

/** A primary and its standby behind one address. */
export interface PostgresPair {
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
  /** The address that the nodes use. */
  readonly address: TcpSwitch;
  readonly databaseUrl: string;
}

/** Starts a primary and its standby, and waits until the standby replicates. */
export async function startPair(
  processes: Processes,
  settings: Readonly<Record<string, string>>,
): Promise<PostgresPair> {
  const [primary, standby] = [await placePostgres(processes), await placePostgres(processes)];
  await primary.start(settings);
  await standby.start(makeStandby(standby, primary));
  await until('the standby to follow', () =>
    primary.use(async (store) => {
      const rows = await store.query("select 1 from pg_stat_replication where state = 'streaming'");
      return rows.length === 1;
    }),
  );
  const address = await openTcpSwitch(primary.port);
  processes.atEnd(() => address.close());
  return { primary, standby, address, databaseUrl: `postgres://central@127.0.0.1:${address.port}/postgres` };
}

/** Promotes the standby. Resolves once it accepts writes. */
export async function promote(standby: PostgresServer): Promise<void> {
  await standby.use((store) => store.query('select pg_promote(true, 60)'));
}
