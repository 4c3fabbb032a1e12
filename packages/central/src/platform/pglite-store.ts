import type { PGlite, Transaction } from '@electric-sql/pglite';
import type { Queryable, Row, Store } from './ports.ts';
import { toStoreFailure } from './store-failure.ts';

/**
 * A store on PostgreSQL compiled to WebAssembly, in memory, for the simulator and for fast tests. The product does not use it,
 * because it does not fsync, and two processes on one folder silently lose data (decision 0006).
 */
export function toPgliteStore(db: PGlite): Store {
  return {
    ...toQueryable(db),
    transaction: (work) => db.transaction((tx) => work(toQueryable(tx))),
    close: () => db.close(),
  };
}

function toQueryable(runner: PGlite | Transaction): Queryable {
  return {
    async query(text, params = []) {
      try {
        const { rows } = await runner.query<Row>(text, params.map(toParameter));
        return rows;
      } catch (error) {
        throw toStoreFailure(error, text);
      }
    },
    async script(text) {
      try {
        await runner.exec(text);
      } catch (error) {
        throw toStoreFailure(error, text);
      }
    },
  };
}

/** PGlite accepts text only as a string. */
function toParameter(value: unknown): unknown {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : value;
}
