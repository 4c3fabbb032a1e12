import pg from 'pg';
import type { PgAddress } from '../pg-store.ts';

/**
 * Runs a statement that PostgreSQL does not allow in a transaction, such as `create database`. Stores offer no way to run one.
 */
export async function runStatement(address: PgAddress, sql: string): Promise<void> {
  const client = new pg.Client('url' in address ? { connectionString: address.url } : { ...address });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
