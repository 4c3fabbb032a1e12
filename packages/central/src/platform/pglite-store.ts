import type { PGlite, SerializerOptions, Transaction } from '@electric-sql/pglite';
import type { Queryable, Row, Store } from './ports.ts';
import { toStoreFailure } from './store-failure.ts';

/**
 * Opens a store on an in-memory PostgreSQL compiled to WebAssembly, for the simulator and for fast tests. The product does not
 * use it, because it does not fsync, and two processes on one folder silently lose data (decision 0006).
 */
export function toPgliteStore(db: PGlite): Store {
  const serializers = toBinarySerializers(db);
  return {
    ...toQueryable(db, serializers),
    transaction: (work) => db.transaction((tx) => work(toQueryable(tx, serializers))),
    close: () => db.close(),
  };
}

function toQueryable(runner: PGlite | Transaction, serializers: SerializerOptions): Queryable {
  return {
    async query(text, params = []) {
      try {
        const { rows } = await runner.query<Row>(text, [...params], { serializers });
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

/**
 * Types whose parameters are in binary format: text, and arrays of text, jsonb, timestamptz and double precision (see
 * `createArrayWriter`).
 */
const BINARY_OIDS = [25, 1009, 3807, 1185, 1022];

/** PGlite converts every parameter to text unless its serializer returns bytes. Its type declarations omit this. */
function toBinarySerializers(db: PGlite): SerializerOptions {
  const serializers = BINARY_OIDS.map((oid) => {
    const toText = db.serializers[oid] ?? String;
    return [oid, (value: unknown) => (value instanceof Uint8Array ? value : toText(value))] as const;
  });
  return Object.fromEntries(serializers) as unknown as SerializerOptions;
}
