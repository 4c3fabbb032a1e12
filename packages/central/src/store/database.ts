import { strict as assert } from 'node:assert';
import type { Queryable, Row } from '../platform/ports.ts';

/** A statement's parameter values by name. */
export type NamedValues = Readonly<Record<string, unknown>>;

/** A statement with named parameters. */
export interface NamedStatement {
  /** The statement with `$1…` instead of names. */
  readonly text: string;
  /** The name of each parameter, in the order of their numbers. */
  readonly names: readonly string[];
}

/**
 * A part of a statement, written by the module that owns it: a condition, columns, or the body of a `with` clause. Its parameters
 * are names such as `:import_id`. A name has the same value in the whole statement.
 */
export type SqlFragment = string;

/**
 * Replaces the named parameters of a statement with numbers. Call it once for each statement, because the driver looks
 * statements up by their text.
 */
export function toStatement(sql: SqlFragment): NamedStatement {
  const names: string[] = [];
  // Two colons are a cast.
  const text = sql.replaceAll(/(?<!:):([a-z][a-z0-9_]*)/g, (_, name: string) => {
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  });
  return { text, names };
}

/** Runs a statement. Every parameter must have a value; the value may be null. Throws like `Queryable.query`. */
export function runStatement(
  store: Queryable,
  { text, names }: NamedStatement,
  values: NamedValues,
): Promise<readonly Row[]> {
  const parameters = names.map((name) => {
    const value = values[name];
    assert(value !== undefined, `parameter ${name} has no value`);
    return value;
  });
  return store.query(text, parameters);
}
